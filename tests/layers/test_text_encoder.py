"""The text encoder: masked everywhere, bound to its speaker."""

import numpy as np
import pytest

from tests.layers.weights import randomize, to_numpy
from wg2.layers.text_encoder import TextEncoder

LENGTHS = np.array([7, 3, 5], "int32")
IDS = np.array(
    [[4, 1, 9, 2, 2, 7, 3], [8, 5, 1, 0, 0, 0, 0], [6, 6, 3, 10, 2, 0, 0]], "int32"
)
SPEAKERS = np.array([2, 0, 1], "int32")


def build(**options):
    sizes = {"channels": 6, "lstm_units": 4, "dropout": 0.0, "speaker_channels": 3}
    encoder = TextEncoder(11, **{**sizes, **options})
    encoder.build((None, None))
    randomize(encoder, scale=0.5)
    return encoder


def test_padded_utterances_get_what_they_get_alone():
    encoder = build(num_speakers=3)
    together = to_numpy(encoder(IDS, LENGTHS, SPEAKERS))
    assert together.shape == (3, 7, encoder.output_channels) == (3, 7, 2 * 4 + 3)
    for row, length in enumerate(LENGTHS):
        one = slice(row, row + 1)
        alone = to_numpy(encoder(IDS[one, :length], LENGTHS[one], SPEAKERS[one]))[0]
        np.testing.assert_allclose(together[row, :length], alone, atol=1e-6)


def test_batch_order_changes_nothing():
    encoder = build(num_speakers=3)
    order = [2, 0, 1]
    together = to_numpy(encoder(IDS, LENGTHS, SPEAKERS))
    shuffled = to_numpy(encoder(IDS[order], LENGTHS[order], SPEAKERS[order]))
    np.testing.assert_allclose(shuffled, together[order], atol=1e-6)


def test_padding_changes_nothing_in_training():
    """Neither what stands there nor how long it is: statistics leave it out."""
    encoder = build(zoneout=0.0)
    mask = np.arange(7) < LENGTHS[:, None]
    longer = np.pad(np.where(mask, IDS, 5), ((0, 0), (0, 4)), constant_values=8)
    plain = to_numpy(encoder(IDS, LENGTHS, training=True))
    padded = to_numpy(encoder(longer, LENGTHS, training=True))
    np.testing.assert_allclose(padded[:, :7][mask], plain[mask], atol=1e-5)


def test_every_phoneme_reaches_its_neighbours():
    encoder = build()
    changed = IDS.copy()
    changed[0, 3] = 9
    difference = to_numpy(encoder(changed, LENGTHS)) - to_numpy(encoder(IDS, LENGTHS))
    assert np.abs(difference[0]).max(axis=-1).min() > 0
    assert not difference[1:].any()


def test_dropout_and_zoneout_act_in_training_only():
    for options in ({"dropout": 0.5, "zoneout": 0.0}, {"zoneout": 0.5}):
        encoder = build(seed=1, **options)
        still = [to_numpy(encoder(IDS, LENGTHS)) for _ in range(2)]
        np.testing.assert_array_equal(*still)
        drawn = [to_numpy(encoder(IDS, LENGTHS, training=True)) for _ in range(2)]
        assert np.abs(drawn[0] - drawn[1])[0].max() > 1e-3


def test_speaker_embedding_is_appended_to_every_phoneme():
    encoder = build(num_speakers=3)
    features = to_numpy(encoder(IDS, LENGTHS, SPEAKERS))
    table = np.array(encoder.speaker_embedding.embeddings)
    for row, speaker in enumerate(SPEAKERS):
        np.testing.assert_allclose(
            features[row, :, 8:], np.tile(table[speaker], (7, 1))
        )


def test_missing_speaker_ids_are_an_error():
    with pytest.raises(ValueError, match=r"3 speakers.*speaker_ids=None"):
        build(num_speakers=3)(IDS, LENGTHS)
