"""WaveGrad's blocks in float64, one utterance at a time, channels last."""

from __future__ import annotations

import math

import numpy as np

from tests.references.sequences import convolution


def leaky_relu(x) -> np.ndarray:
    return np.where(x > 0, x, 0.2 * x)


def repeat(x, factor: int) -> np.ndarray:
    return np.array([row for row in x for _ in range(factor)])


def average(x, factor: int) -> np.ndarray:
    groups = [x[i : i + factor] for i in range(0, len(x), factor)]
    return np.array([group.sum(axis=0) / factor for group in groups])


def noise_level_encoding(level: float, channels: int, scale: float) -> np.ndarray:
    """Sines, then cosines, of frequencies from 1 down towards 1e-4."""
    half = channels // 2
    encoded = np.zeros(channels)
    for k in range(half):
        angle = scale * level * 10.0 ** (-4.0 * k / half)
        encoded[k], encoded[half + k] = math.sin(angle), math.cos(angle)
    return encoded


def film(x, level: float, input_weights, output_weights, bounded: bool, scale: float):
    """Scale and shift. Weights are (kernel, bias) pairs."""
    x = leaky_relu(convolution(x, *input_weights))
    x = x + noise_level_encoding(level, x.shape[-1], scale)
    both = convolution(x, *output_weights)
    middle = both.shape[-1] // 2
    gamma, xi = both[:, :middle], both[:, middle:]
    return (1 + np.tanh(gamma) if bounded else gamma), xi


def ublock(x, scale, shift, factor: int, dilations, shortcut, convolutions):
    """Upsamples before every convolution, the 1x1 one included, as the figure does."""
    up = repeat(x, factor)
    main = convolution(leaky_relu(up), *convolutions[0], dilations[0])
    main = convolution(leaky_relu(scale * main + shift), *convolutions[1], dilations[1])
    x = convolution(up, *shortcut) + main
    main = convolution(leaky_relu(scale * x + shift), *convolutions[2], dilations[2])
    main = convolution(leaky_relu(scale * main + shift), *convolutions[3], dilations[3])
    return x + main


def dblock(x, factor: int, dilations, shortcut, convolutions):
    """The 1x1 convolution before its downsampling, as the figure has it."""
    residual = average(convolution(x, *shortcut), factor)
    main = average(x, factor)
    for weights, dilation in zip(convolutions, dilations, strict=True):
        main = convolution(leaky_relu(main), *weights, dilation)
    return main + residual
