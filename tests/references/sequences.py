"""Sequence layers in float64 loops: convolution, normalization, LSTM, upsampling."""

from __future__ import annotations

import math

import numpy as np


def convolution(x, kernel, bias, dilation: int = 1) -> np.ndarray:
    """`y[t] = bias + sum_k x[t + (k - middle) * dilation] kernel[k]`, zeros outside.

    Args:
        x: `(time, in_channels)`, one utterance.
        kernel: `(size, in_channels, channels)`, size odd.
        bias: `(channels,)`.
    """
    x, kernel = np.asarray(x, np.float64), np.asarray(kernel, np.float64)
    time, size = len(x), len(kernel)
    y = np.tile(np.asarray(bias, np.float64), (time, 1))
    for t in range(time):
        for k in range(size):
            source = t + (k - size // 2) * dilation
            if 0 <= source < time:
                y[t] += x[source] @ kernel[k]
    return y


def sigmoid(x) -> np.ndarray:
    return 1.0 / (1.0 + np.exp(-np.asarray(x, np.float64)))


def lstm(x, kernel, recurrent, bias, zoneout: float = 0.0, kept=None) -> np.ndarray:
    """Hidden states of an LSTM with zoneout whose forget gate is biased by 1.

    Args:
        x: `(time, channels)`.
        kernel, recurrent, bias: gates in the order input, forget, candidate, output.
        zoneout: the weight of the previous value, where `kept` is not given.
        kept: `(time, 2, units)`: True where hidden (0) and cell (1) keep their value.
    """
    units = len(recurrent)
    x, kernel, recurrent, bias = (
        np.asarray(a, np.float64) for a in (x, kernel, recurrent, bias)
    )
    hidden, cell = np.zeros(units), np.zeros(units)
    outputs = []
    for t in range(len(x)):
        gates = x[t] @ kernel + hidden @ recurrent + bias
        enter, forget, candidate, leave = np.split(gates, 4)
        new_cell = sigmoid(forget + 1) * cell + sigmoid(enter) * np.tanh(candidate)
        new_hidden = sigmoid(leave) * np.tanh(new_cell)
        if kept is None:
            cell = zoneout * cell + (1 - zoneout) * new_cell
            hidden = zoneout * hidden + (1 - zoneout) * new_hidden
        else:
            cell = np.where(kept[t, 1], cell, new_cell)
            hidden = np.where(kept[t, 0], hidden, new_hidden)
        outputs.append(hidden)
    return np.array(outputs)


def gaussian_weights(durations, ranges, num_frames: int) -> np.ndarray:
    """Normalised normal densities around the centres, `(num_frames, phonemes)`.

    The densities themselves: only for frames near enough for one not to underflow.
    """
    weights = np.zeros((num_frames, len(durations)))
    for t in range(num_frames):
        end = 0.0
        for i, (duration, sigma) in enumerate(zip(durations, ranges, strict=True)):
            center = end + duration / 2
            end += duration
            z = (t + 0.5 - center) / sigma
            weights[t, i] = math.exp(-0.5 * z * z) / (sigma * math.sqrt(2 * math.pi))
        weights[t] /= weights[t].sum()
    return weights
