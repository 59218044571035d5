"""Voices of random weights, of which every part is heard."""

from __future__ import annotations

import keras
import numpy as np

from wg2.config import Config
from wg2.models.wavegrad2 import WaveGrad2
from wg2.models.weights import get_weights
from wg2.voice import Card, Voice


def random_voice(config: Config) -> Voice:
    """The same voice for the same config."""
    keras.utils.set_random_seed(0)
    model = WaveGrad2(config)
    model.build()
    weights = get_weights(model)
    generator = np.random.default_rng(0)
    # Kernels that start as zeros would hide everything before them.
    for name, values in weights.items():
        if name == "decoder/output/bias" or (
            name.endswith("kernel") and not values.any()
        ):
            weights[name] = generator.normal(0, 0.3, values.shape).astype("f")
    card = Card("random", "en-US", "none", {"name": "none"}, "0", 0)
    return Voice(config, weights, card)
