"""Masks from lengths, and the helpers that use them."""

import numpy as np

from tests.layers.weights import to_numpy
from wg2.layers import masking


def test_sequence_mask_is_true_inside_each_length():
    mask = to_numpy(masking.sequence_mask(np.array([2, 0, 4]), 4))
    assert mask.dtype == bool
    np.testing.assert_array_equal(mask, [[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1]])


def test_zero_invalid_keeps_valid_entries_only():
    x = np.arange(1, 13, dtype="float32").reshape(2, 3, 2)
    mask = np.array([[True, True, False], [True, False, False]])
    expected = x.copy()
    expected[0, 2], expected[1, 1], expected[1, 2] = 0, 0, 0
    np.testing.assert_array_equal(to_numpy(masking.zero_invalid(x, mask)), expected)
    assert masking.zero_invalid(x, None) is x


def test_masked_sum_and_count_ignore_padding():
    rng = np.random.default_rng(0)
    values = rng.standard_normal((2, 5, 3)).astype("float32")
    mask = np.arange(5) < np.array([[2], [4]])
    for x, channels in ((values, 3), (values[:, :, 0], 1)):
        total, count = masking.masked_sum_and_count(x, mask)
        np.testing.assert_allclose(total, x[0, :2].sum() + x[1, :4].sum(), rtol=1e-5)
        assert float(count) == (2 + 4) * channels


def test_gather_rows_takes_from_its_own_row():
    rng = np.random.default_rng(1)
    index = np.array([[3, 0, 0, 1, 2], [2, 2, 3, 1, 0]])
    for shape in ((2, 4), (2, 4, 3), (2, 4, 3, 2)):
        x = rng.standard_normal(shape).astype("float32")
        expected = np.stack([x[b][index[b]] for b in range(2)])
        np.testing.assert_array_equal(to_numpy(masking.gather_rows(x, index)), expected)


def test_reversal_stays_within_each_length_and_undoes_itself():
    x = np.arange(1, 11, dtype="float32").reshape(2, 5, 1)
    lengths = np.array([5, 3])
    reversed_once = to_numpy(masking.reverse_sequences(x, lengths))
    np.testing.assert_array_equal(reversed_once[0, :, 0], [5, 4, 3, 2, 1])
    np.testing.assert_array_equal(reversed_once[1, :, 0], [8, 7, 6, 9, 10])
    twice = masking.reverse_sequences(reversed_once, lengths)
    np.testing.assert_array_equal(to_numpy(twice), x)
