"""Intervals against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from wg2.evaluation.bootstrap import Bootstrap


def test_interval_of_a_mean_is_that_of_the_normal_distribution():
    values = np.random.default_rng(1).normal(5.0, 2.0, 400)
    estimate = Bootstrap(400, seed=0, num_resamples=10_000).mean(values)
    half = 1.96 * values.std() / math.sqrt(400)
    assert estimate.value == pytest.approx(values.mean())
    assert estimate.low == pytest.approx(values.mean() - half, abs=0.03 * half)
    assert estimate.high == pytest.approx(values.mean() + half, abs=0.03 * half)


def test_intervals_hold_the_truth_as_often_as_they_promise():
    generator = np.random.default_rng(2)
    held = 0
    for trial in range(400):
        estimate = Bootstrap(60, trial, 400).mean(generator.normal(3.0, 1.0, 60))
        held += estimate.low <= 3.0 <= estimate.high
    # 95 % less what percentiles of 60 values lack; 4 standard errors.
    assert 0.90 <= held / 400 <= 0.985


def test_error_rates_are_pooled_not_averaged():
    errors, words = np.array([1.0, 30.0]), np.array([2.0, 100.0])
    estimate = Bootstrap(2).ratio(errors, words)
    assert estimate.value == pytest.approx(31 / 102)
    assert (estimate.low, estimate.high) == (0.3, 0.5)  # one or the other twice


def test_pooled_interval_is_that_of_the_delta_method():
    generator = np.random.default_rng(3)
    words = generator.integers(5, 30, 500).astype(float)
    errors = generator.binomial(words.astype(int), 0.2).astype(float)
    estimate = Bootstrap(500, 0, 10_000).ratio(errors, words)
    rate = errors.sum() / words.sum()
    half = 1.96 * (errors - rate * words).std() / words.mean() / math.sqrt(500)
    assert estimate.high - estimate.low == pytest.approx(2 * half, rel=0.04)


def test_pairs_leave_out_what_they_share():
    generator = np.random.default_rng(4)
    hard = generator.normal(0, 10.0, 200)  # some utterances are hard for both
    ones = np.ones(200)
    extra = generator.normal(1.0, 0.1, 200)
    difference = Bootstrap(200).difference(hard + extra, ones, hard, ones)
    assert difference.value == pytest.approx(extra.mean())
    assert difference.high - difference.low < 0.05
    unpaired = Bootstrap(200).mean(hard)
    assert unpaired.high - unpaired.low > 1


def test_missing_values_do_not_count():
    values = np.array([1.0, np.nan, 3.0, np.nan])
    estimate = Bootstrap(4).mean(values)
    assert estimate.value == 2.0 and (estimate.low, estimate.high) == (1.0, 3.0)
    paired = Bootstrap(4).difference(
        values, np.ones(4), np.array([0.0, 5.0, np.nan, 7.0]), np.ones(4)
    )
    assert paired.value == 1.0 and math.isnan(paired.low)


@pytest.mark.parametrize("values", [[7.0], [7.0, math.nan]])
def test_one_value_has_no_interval(values):
    estimate = Bootstrap(len(values)).mean(np.array(values))
    assert estimate.value == 7.0
    assert math.isnan(estimate.low) and math.isnan(estimate.high)


def test_no_value_is_nan():
    assert math.isnan(Bootstrap(3).mean(np.full(3, np.nan)).value)
    assert math.isnan(Bootstrap(2).ratio(np.zeros(2), np.zeros(2)).value)


def test_equal_seeds_give_equal_intervals():
    values = np.random.default_rng(0).normal(size=30)
    assert Bootstrap(30, 5).mean(values) == Bootstrap(30, 5).mean(values)
    assert Bootstrap(30, 5).mean(values) != Bootstrap(30, 6).mean(values)
