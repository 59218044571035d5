"""Starting from another voice: what is taken over, by name, and what is reported."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tests.training import setup
from wg2.config import Config
from wg2.models.wavegrad2 import WaveGrad2
from wg2.models.weights import get_weights
from wg2.presets import TINY
from wg2.training.fine_tuning import initial_weights
from wg2.voice import Card, Voice

PHONEMES = "encoder/embedding/embeddings"
SPEAKERS = "encoder/speaker/embeddings"


def with_text(config: Config, phonemes, speakers) -> Config:
    text = dataclasses.replace(config.text, phonemes=phonemes, speakers=speakers)
    return dataclasses.replace(config, text=text)


def build(config: Config, seed: int) -> WaveGrad2:
    model = WaveGrad2(config, seed=seed)
    model.build()
    return model


@pytest.fixture(scope="module")
def config() -> Config:
    config = TINY.override(*setup.MINI)
    return with_text(config, config.text.phonemes, ("ann", "bob"))


@pytest.fixture(scope="module")
def source(config, tmp_path_factory):
    """A voice and its weights."""
    weights = get_weights(build(config, 1))
    card = Card("v", "en-US", "none", {}, "0", 1)
    directory = tmp_path_factory.mktemp("source") / "voice"
    Voice(config, weights, card).save(directory)
    return directory, weights


def test_the_same_config_takes_everything(config, source):
    directory, weights = source
    model = build(config, 2)
    arrays, report = initial_weights(model, config, directory)
    assert set(arrays) == set(weights)
    for name, value in weights.items():
        np.testing.assert_array_equal(arrays[name], value)
    assert report == [
        f"{len(weights)} of {len(weights)} weights taken from {directory}"
    ]


def test_embeddings_are_matched_by_name(config, source):
    """Another order, some new ones, and some gone."""
    directory, weights = source
    old = config.text.phonemes
    phonemes = (old[0], "Q", *old[:0:-1][2:], "XX1")
    other = with_text(config, phonemes, ("cy", "bob", "dee"))
    model = build(other, 2)
    fresh = get_weights(model)
    arrays, report = initial_weights(model, other, directory)
    for names, name, there in (
        (phonemes, PHONEMES, old),
        (("cy", "bob", "dee"), SPEAKERS, ("ann", "bob")),
    ):
        for i, symbol in enumerate(names):
            expected = (
                weights[name][there.index(symbol)]
                if symbol in there
                else fresh[name][i]
            )
            np.testing.assert_array_equal(arrays[name][i], expected, err_msg=symbol)
    for name, value in weights.items():
        if name not in (PHONEMES, SPEAKERS):
            np.testing.assert_array_equal(arrays[name], value)
    assert "new phonemes start at random: Q XX1" in report
    assert f"phonemes of the source not used: {' '.join(old[-2:])}" in report
    assert "new speakers start at random: cy dee" in report
    assert "speakers of the source not used: ann" in report


def test_what_does_not_fit_is_named_with_both_shapes(config, source):
    directory, weights = source
    other = with_text(
        config.override("encoder.lstm_units=6", "resampler.auxiliary_mel=false"),
        config.text.phonemes,
        (),
    )
    model = build(other, 2)
    arrays, report = initial_weights(model, other, directory)
    lines = "\n".join(report)
    name = "encoder/lstm/forward_kernel"
    assert name in arrays, sorted(arrays)
    assert f"{name} starts at random: shape {arrays[name].shape} here" in lines
    assert str(weights[name].shape) in lines
    assert f"{SPEAKERS} of the source is not used" in lines
    assert "mel_head/mel/kernel of the source is not used" in lines
    taken = sum(
        arrays[n].shape == w.shape and np.array_equal(arrays[n], w)
        for n, w in weights.items()
        if n in arrays
    )
    assert f"weights taken from {directory}" in report[-1]
    assert int(report[-1].split()[0]) <= taken < len(weights)


def test_a_speaker_embedding_that_the_source_lacks_starts_at_random(config, tmp_path):
    one = with_text(config, config.text.phonemes, ())
    card = Card("v", "en-US", "none", {}, "0", 1)
    # The decoder sees two channels more with several speakers; the rest still fits.
    Voice(one, get_weights(build(one, 1)), card).save(tmp_path / "one")
    model = build(config, 2)
    arrays, report = initial_weights(model, config, tmp_path / "one")
    assert f"{SPEAKERS} starts at random: the source has none" in report
    np.testing.assert_array_equal(arrays[SPEAKERS], get_weights(model)[SPEAKERS])


def test_neither_voice_nor_run_is_refused(config, tmp_path):
    with pytest.raises(FileNotFoundError, match="is not a voice"):
        initial_weights(build(config, 2), config, tmp_path)


def test_training_starts_at_step_0_from_these_weights(info, source):
    directory, weights = source
    trainer = setup.make_trainer(info, *setup.MINI)
    one_speaker = trainer.config
    arrays, _ = initial_weights(trainer.model, one_speaker, directory)
    trainer.set_initial_weights(arrays, directory)
    assert trainer.step == 0
    state = trainer.state_arrays()
    for name in ("model/" + PHONEMES, "ema/" + PHONEMES):
        np.testing.assert_array_equal(state[name], weights[PHONEMES])
