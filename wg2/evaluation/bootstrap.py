"""Confidence intervals over utterances, by resampling them (Efron's percentiles)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

NUM_RESAMPLES = 2000
_PERCENTILES = (2.5, 97.5)


class Estimate(NamedTuple):
    """A figure over all utterances, and its 95 % interval (nan for less than two)."""

    value: float
    low: float
    high: float


class Bootstrap:
    """Resamples the same utterances for every figure.

    Args:
        num_utterances: int >= 1.
        seed: int.
        num_resamples: int.
    """

    def __init__(
        self, num_utterances: int, seed: int = 0, num_resamples: int = NUM_RESAMPLES
    ):
        generator = np.random.default_rng(seed)
        drawn = generator.integers(num_utterances, size=(num_resamples, num_utterances))
        # How often each resample has each utterance.
        offset = np.arange(num_resamples)[:, None] * num_utterances
        counts = np.bincount(
            (drawn + offset).ravel(), minlength=num_resamples * num_utterances
        )
        self._counts = counts.reshape(num_resamples, num_utterances)

    def ratio(self, numerators: np.ndarray, denominators: np.ndarray) -> Estimate:
        """Sum over sum: pooled, as error rates are.

        Args:
            numerators, denominators: float `(utterances,)`; where one of them is nan
                the utterance does not count.
        """
        value, resampled = self._ratios(numerators, denominators)
        return self._estimate(value, resampled, numerators + denominators)

    def mean(self, values: np.ndarray) -> Estimate:
        """Mean of `values`, float `(utterances,)`, without those that are nan."""
        return self.ratio(values, np.ones(len(values)))

    def difference(
        self,
        numerators: np.ndarray,
        denominators: np.ndarray,
        other_numerators: np.ndarray,
        other_denominators: np.ndarray,
    ) -> Estimate:
        """`ratio` of the first less that of the others, utterances paired; one that
        has no value on either side does not count."""
        known = ~np.isnan(numerators + denominators)
        known &= ~np.isnan(other_numerators + other_denominators)

        def paired(values: np.ndarray) -> np.ndarray:
            return np.where(known, values, np.nan)

        value, resampled = self._ratios(paired(numerators), paired(denominators))
        other, others = self._ratios(
            paired(other_numerators), paired(other_denominators)
        )
        return self._estimate(value - other, resampled - others, paired(numerators))

    def _ratios(
        self, numerators: np.ndarray, denominators: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Of all utterances, and of each resample."""
        known = ~np.isnan(numerators + denominators)
        above, below = np.where(known, numerators, 0), np.where(known, denominators, 0)
        if below.sum() == 0:
            return float("nan"), np.full(len(self._counts), np.nan)
        with np.errstate(invalid="ignore", divide="ignore"):
            resampled = (self._counts @ above) / (self._counts @ below)
        return float(above.sum() / below.sum()), resampled

    def _estimate(
        self, value: float, resampled: np.ndarray, values: np.ndarray
    ) -> Estimate:
        finite = resampled[np.isfinite(resampled)]
        if np.count_nonzero(~np.isnan(values)) < 2 or not len(finite):
            return Estimate(value, float("nan"), float("nan"))
        low, high = np.percentile(finite, _PERCENTILES)
        return Estimate(value, float(low), float(high))
