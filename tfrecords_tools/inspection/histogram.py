"""Counts of a stream of values."""

from __future__ import annotations

import math

import numpy as np


class Histogram:
    """Counts in even bins, with one more for what lies beyond at each side.

    Args:
        low, high: float, the ends of the bins.
        num_bins: int.
    """

    def __init__(self, low: float, high: float, num_bins: int):
        self.edges = np.linspace(low, high, num_bins + 1)
        self.counts = np.zeros(num_bins, np.int64)
        self.num_below = self.num_above = 0
        self.total = 0.0
        self.smallest, self.largest = math.inf, -math.inf

    def add(self, values: np.ndarray | float) -> None:
        """Counts finite values, `(n,)` or one; others are below or above."""
        values = np.atleast_1d(values)
        if not len(values):
            return
        low, high = self.edges[0], self.edges[-1]
        self.num_below += int(np.sum(values < low))
        self.num_above += int(np.sum(values >= high))
        inside = values[(values >= low) & (values < high)]
        self.counts += np.histogram(inside, self.edges)[0]
        self.total += float(values.sum())
        self.smallest = min(self.smallest, float(values.min()))
        self.largest = max(self.largest, float(values.max()))

    @property
    def num_values(self) -> int:
        return int(self.counts.sum()) + self.num_below + self.num_above

    @property
    def mean(self) -> float:
        """NaN if there are no values."""
        return self.total / self.num_values if self.num_values else math.nan

    def condensed(self, max_bins: int) -> tuple[np.ndarray, np.ndarray]:
        """Edges `(n + 1,)` and counts `(n,)` of at most `max_bins` wider bins.

        They cover what occurs; neighbours are joined, always equally many.
        """
        occupied = np.flatnonzero(self.counts)
        first, last = (occupied[0], occupied[-1]) if len(occupied) else (0, 0)
        joined = math.ceil((last - first + 1) / max_bins)
        num_bins = math.ceil((last - first + 1) / joined)
        counts = np.zeros(num_bins * joined, np.int64)
        counts[: last - first + 1] = self.counts[first : last + 1]
        width = joined * (self.edges[1] - self.edges[0])
        edges = self.edges[first] + width * np.arange(num_bins + 1)
        return edges, counts.reshape(num_bins, joined).sum(axis=1)

    def quantile(self, fraction: float) -> float:
        """Where a fraction of the values lies below, to within a bin.

        Args:
            fraction: float in (0, 1).

        Returns:
            NaN if there are no values.
        """
        if not self.num_values:
            return math.nan
        wanted = fraction * self.num_values
        if wanted <= self.num_below:
            return self.smallest
        sums = self.num_below + np.cumsum(self.counts)
        i = int(np.searchsorted(sums, wanted))
        if i == len(self.counts):
            return self.largest
        before = sums[i] - self.counts[i]
        share = (wanted - before) / self.counts[i]
        value = self.edges[i] + share * (self.edges[i + 1] - self.edges[i])
        return float(min(max(value, self.smallest), self.largest))
