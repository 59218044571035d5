"""Diffusion worked out independently: Bayes' rule, the flow of a Gaussian, Threefry."""

from __future__ import annotations

import math

import numpy as np


def posterior(noisy, clean, beta, previous_alpha_bar):
    """Mean and variance of `q(y_(n-1) | y_n, y_0)`: the product of two Gaussians.

    In `y_(n-1)`, `q(y_n | y_(n-1))` is a Gaussian around `y_n / sqrt(1 - beta)` and
    `q(y_(n-1) | y_0)` one around `sqrt(alpha_bar_(n-1)) y_0`.
    """
    likelihood_mean = noisy / math.sqrt(1 - beta)
    likelihood_variance = beta / (1 - beta)
    prior_mean = math.sqrt(previous_alpha_bar) * clean
    prior_variance = 1 - previous_alpha_bar
    if prior_variance == 0:  # n = 1: y_0 itself
        return prior_mean, 0.0
    precision = 1 / likelihood_variance + 1 / prior_variance
    mean = (
        likelihood_mean / likelihood_variance + prior_mean / prior_variance
    ) / precision
    return mean, 1 / precision


def gaussian_noise(noisy, level, mean: float, variance: float):
    """`E[noise | noisy]` for clean audio from N(mean, variance)."""
    noise_variance = (1 - level) * (1 + level)
    total = level**2 * variance + noise_variance
    return np.sqrt(noise_variance) * (noisy - level * mean) / total


def gaussian_flow(noisy, level: float, mean: float, variance: float):
    """Where the probability flow takes `noisy` from `level` to clean: it keeps every
    point at its quantile."""
    deviation = math.sqrt(level**2 * variance + 1 - level**2)
    return mean + math.sqrt(variance) * (noisy - level * mean) / deviation


def run_steps(table, start, predict_noise, fresh=None):
    """The recurrence that a sampler's table stands for, in float64.

    Columns: level, sample, noise, previous clean, fresh noise, clean from sample, clean
    from noise.
    """
    sample, previous_clean = np.asarray(start, np.float64), 0.0
    for step, row in enumerate(table):
        level, a, b, c, d, e, f = (float(value) for value in row)
        noise = predict_noise(sample, level)
        following = a * sample + b * noise + c * previous_clean
        if fresh is not None:
            following = following + d * fresh[step]
        previous_clean = e * sample + f * noise
        sample = following
    return sample


def threefry(key, counter) -> tuple[int, int]:
    """Threefry-2x32, 20 rounds, in Python integers."""
    words = [*key, key[0] ^ key[1] ^ 0x1BD11BDA]
    x, y = counter[0] + words[0], counter[1] + words[1]
    for round_number in range(20):
        x, y = x % 2**32, y % 2**32
        x = (x + y) % 2**32
        distance = (13, 15, 26, 6, 17, 29, 16, 24)[round_number % 8]
        y = ((y << distance) | (y >> (32 - distance))) % 2**32 ^ x
        if round_number % 4 == 3:
            injection = round_number // 4 + 1
            x += words[injection % 3]
            y += words[(injection + 1) % 3] + injection
    return x % 2**32, y % 2**32


def normal_pair(seed: int, draw: int, pair: int) -> tuple[float, float]:
    """Box-Muller on the two words of `(pair, draw)` under the words of `seed`."""
    key = seed % 2**32, seed % 2**64 >> 32
    first, second = threefry(key, (pair, draw))
    uniform = ((word >> 8) + 0.5 for word in (first, second))
    u, v = (value / 2**24 for value in uniform)
    radius = math.sqrt(-2 * math.log(u))
    return radius * math.cos(2 * math.pi * v), radius * math.sin(2 * math.pi * v)
