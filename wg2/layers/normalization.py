"""Normalisation without weights."""

from __future__ import annotations

from keras import ops


def normalize_channels(x, epsilon: float = 1e-5):
    """Zero mean and unit variance over the last axis; float32, whatever `x` is."""
    x32 = ops.cast(x, "float32")
    centered = x32 - ops.mean(x32, axis=-1, keepdims=True)
    variance = ops.mean(ops.square(centered), axis=-1, keepdims=True)
    return centered * ops.rsqrt(variance + epsilon)
