"""The receptive field by arithmetic, against gradients."""

from __future__ import annotations

import dataclasses

import keras
import numpy as np
import pytest
import tensorflow as tf

from wg2.config import DecoderConfig
from wg2.models.decoder import WaveGradDecoder
from wg2.models.receptive_field import receptive_field_frames
from wg2.presets import load_config

NARROW = DecoderConfig(
    upsampling_factors=(3, 2, 2),
    upsampling_channels=(4, 4, 4),
    upsampling_dilations=((1, 2, 4, 8), (1, 3, 1, 1), (5, 1, 1, 2)),
    downsampling_channels=(4, 4),
    downsampling_dilations=((1, 2, 4), (1, 7, 2)),
    features_channels=4,
    audio_channels=4,
)
CASES = {
    "narrow": NARROW,
    "two blocks": dataclasses.replace(NARROW, blocks_per_scale=2),
    # The audio's way down and up is longer than the features' way up.
    "long down": dataclasses.replace(
        NARROW, downsampling_dilations=((1, 2, 4), (9, 27, 9))
    ),
    "as small": dataclasses.replace(
        load_config("small").decoder,
        upsampling_channels=(4,) * 5,
        downsampling_channels=(4,) * 4,
        features_channels=4,
        audio_channels=4,
    ),
}


@pytest.mark.parametrize("config", CASES.values(), ids=CASES)
def test_gradients_reach_as_far_as_the_arithmetic_says_and_no_further(config):
    keras.utils.set_random_seed(0)
    decoder = WaveGradDecoder(**config.__dict__)
    reach = receptive_field_frames(config)
    num_frames, at = 2 * reach + 5, reach + 2
    generator = np.random.default_rng(0)
    samples = config.samples_per_frame
    audio = tf.Variable(
        generator.normal(size=(1, num_frames * samples)), dtype="float32"
    )
    features = tf.Variable(generator.normal(size=(1, num_frames, 3)), dtype="float32")
    decoder.build(audio.shape, features.shape, (1,))
    # Weights of one sign: no path is cancelled by another.
    for weight in decoder.weights:
        weight.assign(0.05 * (1 + generator.random(weight.shape)))
    with tf.GradientTape() as tape:
        output = decoder(audio, features, np.array([0.5], np.float32))
        frame = tf.reduce_sum(output[:, at * samples : (at + 1) * samples])
    by_audio, by_features = tape.gradient(frame, (audio, features))
    seen = np.any(by_audio.numpy().reshape(num_frames, -1) != 0, axis=1)
    seen |= np.any(by_features.numpy()[0] != 0, axis=-1)
    found = np.flatnonzero(seen)
    assert (found.min(), found.max()) == (at - reach, at + reach)
