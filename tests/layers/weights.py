"""Weights for layer tests: random, so that no bias of zero or scale of one hides."""

from __future__ import annotations

import keras
import numpy as np


def randomize(layer: keras.layers.Layer, seed: int = 0, scale: float = 0.3) -> None:
    """Draws every weight of a built layer anew; variances stay positive."""
    rng = np.random.default_rng(seed)
    for weight in layer.weights:
        values = scale * rng.standard_normal(weight.shape)
        if "variance" in weight.path:
            values = 0.5 + np.abs(values)
        weight.assign(values.astype("float32"))


def kernel_and_bias(convolution: keras.layers.Layer) -> tuple[np.ndarray, np.ndarray]:
    return np.array(convolution.kernel), np.array(convolution.bias)


def to_numpy(x) -> np.ndarray:
    return keras.ops.convert_to_numpy(x)
