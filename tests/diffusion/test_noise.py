"""Counter-based noise: a pure function of seed, draw and sample."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tests.references import diffusion as references
from wg2.diffusion import noise

SEEDS = np.array([3, -1, 2**62 + 12345, 0], np.int64)


def assert_same_noise(actual, expected):
    """The random words are the same; vectorised logarithms differ in the last bits."""
    np.testing.assert_allclose(actual, expected, rtol=0, atol=2e-6)


def words(key, counter):
    """Threefry of single words, as Python integers."""
    pairs = [
        tuple(tf.constant([w], tf.uint32) for w in pair) for pair in (key, counter)
    ]
    return tuple(int(word[0]) for word in noise.threefry(*pairs))


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((0xFFFFFFFF,) * 2, (0xFFFFFFFF,) * 2, (0x1CB996FC, 0xBB002BE7)),
        (
            (0x13198A2E, 0x03707344),
            (0x243F6A88, 0x85A308D3),
            (0xC4923A9C, 0x483DF7A0),
        ),
    ],
)
def test_threefry_gives_the_known_answers_of_random123(key, counter, expected):
    assert words(key, counter) == expected
    assert references.threefry(key, counter) == expected


def test_threefry_matches_python_integers():
    given = np.random.default_rng(0).integers(0, 2**32, (20, 4))
    actual = noise.threefry(
        *(
            (tf.constant(a, tf.uint32), tf.constant(b, tf.uint32))
            for a, b in (given.T[:2], given.T[2:])
        )
    )
    expected = [
        references.threefry(tuple(row[:2]), tuple(row[2:])) for row in given.tolist()
    ]
    np.testing.assert_array_equal(np.stack(actual, axis=-1), expected)


def test_threefry_matches_jax():
    random = pytest.importorskip("jax.extend.random")
    given = np.random.default_rng(1).integers(0, 2**32, (10, 4), dtype=np.uint32)
    for row in given:
        assert words(row[:2], row[2:]) == tuple(
            int(w) for w in random.threefry_2x32(row[:2], row[2:])
        )


def test_normal_noise_matches_box_muller_of_the_reference():
    actual = noise.standard_normal(SEEDS, 5, 7).numpy()
    for row, seed in enumerate(SEEDS.tolist()):
        pairs = [references.normal_pair(seed, 5, pair) for pair in range(4)]
        np.testing.assert_allclose(actual[row], np.ravel(pairs)[:7], atol=2e-6)


@pytest.mark.parametrize("num_samples", [1, 2, 63, 64, 100])
def test_longer_noise_begins_with_the_shorter(num_samples):
    whole = noise.standard_normal(SEEDS, 2, 101).numpy()
    part = noise.standard_normal(SEEDS, 2, num_samples).numpy()
    assert_same_noise(part, whole[:, :num_samples])


def test_windows_are_slices_of_the_whole():
    whole = noise.standard_normal(SEEDS, 1, 60).numpy()
    for num_samples in (1, 10, 11):
        first = np.array([0, 7, 20, 49])
        window = noise.standard_normal(SEEDS, 1, num_samples, first).numpy()
        assert window.shape == (4, num_samples)
        for row, start in enumerate(first):
            assert_same_noise(window[row], whole[row, start : start + num_samples])


def test_batch_and_place_in_it_change_nothing():
    together = noise.standard_normal(SEEDS, 4, 33).numpy()
    for row in range(len(SEEDS)):
        alone = noise.standard_normal(SEEDS[row : row + 1], 4, 33).numpy()
        assert_same_noise(alone[0], together[row])
    order = [2, 0, 3, 1]
    shuffled = noise.standard_normal(SEEDS[order], 4, 33).numpy()
    assert_same_noise(shuffled, together[order])


def test_graph_with_unknown_sizes_gives_the_eager_noise():
    graph = tf.function(
        noise.standard_normal,
        input_signature=[
            tf.TensorSpec([None], tf.int64),
            tf.TensorSpec([], tf.int32),
            tf.TensorSpec([], tf.int32),
        ],
    )
    eager = noise.standard_normal(SEEDS, 6, 31).numpy()
    actual = graph(tf.constant(SEEDS), tf.constant(6), tf.constant(31)).numpy()
    assert_same_noise(actual, eager)


@pytest.fixture(scope="module")
def long():
    """`[seed, draw, sample]`."""
    seeds = np.array([11, 12], np.int64)
    draws = [noise.standard_normal(seeds, draw, 200_000).numpy() for draw in (0, 1)]
    return np.stack(draws, axis=1).astype(np.float64)


def test_noise_has_the_moments_of_a_normal_distribution(long):
    n = long.shape[-1]
    for x in long.reshape(-1, n):
        assert abs(x.mean()) < 5 / math.sqrt(n)
        assert abs(x.var() - 1) < 5 * math.sqrt(2 / n)
        assert abs((x**3).mean()) < 5 * math.sqrt(15 / n)
        assert abs((x**4).mean() - 3) < 5 * math.sqrt(96 / n)
        assert 3.9 < np.abs(x).max() < 5.9


def test_noise_has_the_distribution_of_a_normal_distribution(long):
    n = long.shape[-1]
    for point in np.linspace(-3.5, 3.5, 29):
        probability = 0.5 * (1 + math.erf(point / math.sqrt(2)))
        error = math.sqrt(probability * (1 - probability) / n)
        assert abs((long <= point).mean(axis=-1) - probability).max() < 5 * error


def test_seeds_draws_and_neighbours_are_independent(long):
    n = long.shape[-1]

    def correlation(x, y):
        return (x * y).mean() * math.sqrt(len(x))  # standard errors from 0

    first = long[0, 0]
    others = [long[1, 0], long[0, 1], long[1, 1]]
    lagged = [np.roll(first, lag) for lag in (1, 2, 3, 200)]
    for other in others + lagged:
        assert abs(correlation(first, other)) < 5
        # Squares: a Box-Muller pair shares its radius.
        assert abs(correlation(first**2 - 1, other**2 - 1)) / 2 < 5
    assert n == 200_000


def test_uniform_values_lie_inside_the_interval_and_fill_it():
    values = noise.uniform(SEEDS, 9, 50_001).numpy().astype(np.float64)
    assert values.shape == (4, 50_001)
    assert 0 < values.min() < 1e-3 and 1 - 1e-3 < values.max() < 1
    n = values.shape[1]
    for row in values:
        counts = np.histogram(row, 20, (0, 1))[0]
        assert np.abs(counts - n / 20).max() < 5 * math.sqrt(n / 20)
    np.testing.assert_array_equal(
        noise.uniform(SEEDS[1:2], 9, 6).numpy()[0], values[1, :6].astype("float32")
    )


def test_extreme_bits_stay_inside_the_interval():
    """float32 rounds the middle of the highest cell to 1."""
    bits = tf.constant([0, 0xFF, 0xFFFFFFFF], tf.uint32)
    values = noise._to_uniform(bits).numpy()
    assert values[0] == values[1] == 2.0**-25
    assert values[2] <= 1
    normal = noise._box_muller((bits[:, None], bits[:, None])).numpy()
    assert np.isfinite(normal).all() and np.abs(normal).max() < 5.9


def test_uniform_values_stay_below_one_for_the_highest_bits(monkeypatch):
    highest = tf.fill([1, 2], tf.constant(0xFFFFFFFF, tf.uint32))
    monkeypatch.setattr(noise, "_words", lambda *args: (highest, highest))
    assert noise.uniform(SEEDS[:1], 0, 4).numpy().max() < 1


def test_derived_seeds_are_distinct_and_reproducible():
    seeds = {
        (seed, stream): noise.derive_seeds(seed, stream, 500).numpy()
        for seed in (0, 1, 2**40)
        for stream in (0, 1, 77)
    }
    everything = np.concatenate(list(seeds.values()))
    assert len(np.unique(everything)) == len(everything) == 9 * 500
    again = noise.derive_seeds(tf.constant(2**40), tf.constant(77), 3).numpy()
    np.testing.assert_array_equal(again, seeds[2**40, 77][:3])
