"""Samplers: each step against Bayes' rule, closed forms and a known score."""

import math

import numpy as np
import pytest
import tensorflow as tf

from tests.references import diffusion as references
from wg2.config import SAMPLERS
from wg2.diffusion.sampler import (
    CLEAN_NOISE,
    CLEAN_SAMPLE,
    FRESH_NOISE,
    LEVEL,
    NOISE,
    PREVIOUS_CLEAN,
    SAMPLE,
    refine,
    step_table,
    step_tables,
)
from wg2.diffusion.schedule import NoiseSchedule, derived_schedule
from wg2.presets import BASE, SMALL

SCHEDULES = {
    "training": NoiseSchedule.linear(1e-6, 0.01, 1000),
    "derived": derived_schedule(BASE, 6),
    "derived small": derived_schedule(SMALL, 12),
    "list": NoiseSchedule([1e-6, 2e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 0.9]),
    "one step": NoiseSchedule([0.99]),
}
MEAN, VARIANCE = 0.7, 0.3  # of the Gaussian toy problem
ALL_SAMPLERS = pytest.mark.parametrize("sampler", SAMPLERS)


def even_schedule(num_steps, highest=1 - 1e-10, lowest=0.05):
    return NoiseSchedule.derived(num_steps, highest, lowest)


def exact_noise(noisy, level):
    return references.gaussian_noise(noisy, level, MEAN, VARIANCE)


@pytest.mark.parametrize("name", SCHEDULES)
def test_ddpm_steps_are_the_posterior_of_bayes_rule(name):
    schedule = SCHEDULES[name]
    table = step_table(schedule, "ddpm")
    assert not table[:, PREVIOUS_CLEAN].any()
    bounds, betas = schedule.noise_level_bounds, schedule.betas
    clean, noise = 0.37, -1.3
    for row, n in zip(table, range(schedule.num_steps, 0, -1), strict=True):
        level = bounds[n]
        assert row[LEVEL] == level
        noisy = level * clean + math.sqrt(1 - level**2) * noise
        previous_alpha_bar = 1.0 if n == 1 else bounds[n - 1] ** 2
        mean, variance = references.posterior(
            noisy, clean, betas[n - 1], previous_alpha_bar
        )
        np.testing.assert_allclose(
            row[SAMPLE] * noisy + row[NOISE] * noise, mean, rtol=1e-8
        )
        np.testing.assert_allclose(row[FRESH_NOISE] ** 2, variance, rtol=1e-8)


@pytest.mark.parametrize("name", SCHEDULES)
@ALL_SAMPLERS
def test_given_the_true_noise_the_last_step_returns_the_clean_audio(name, sampler):
    schedule = SCHEDULES[name]
    last = step_table(schedule, sampler)[-1]
    level = schedule.noise_level_bounds[1]
    clean, noise = np.array([0.37, -0.9]), np.array([-1.3, 0.4])
    noisy = level * clean + np.sqrt((1 - level) * (1 + level)) * noise
    np.testing.assert_allclose(last[SAMPLE] * noisy + last[NOISE] * noise, clean)
    assert last[PREVIOUS_CLEAN] == last[FRESH_NOISE] == 0


@pytest.mark.parametrize("name", SCHEDULES)
@ALL_SAMPLERS
def test_clean_estimate_undoes_the_noise(name, sampler):
    for row in step_table(SCHEDULES[name], sampler):
        clean, noise = 0.37, -1.3
        noisy = row[LEVEL] * clean + math.sqrt(1 - row[LEVEL] ** 2) * noise
        estimate = row[CLEAN_SAMPLE] * noisy + row[CLEAN_NOISE] * noise
        np.testing.assert_allclose(estimate, clean, rtol=1e-9)


@pytest.mark.parametrize("name", SCHEDULES)
def test_ddim_steps_keep_clean_audio_and_noise(name):
    """With the same two, the next level's noisy audio is a known sum."""
    schedule = SCHEDULES[name]
    table, bounds = step_table(schedule, "ddim"), schedule.noise_level_bounds
    assert not table[:, [PREVIOUS_CLEAN, FRESH_NOISE]].any()
    clean, noise = 0.37, -1.3

    def noisy(level):
        return level * clean + math.sqrt((1 - level) * (1 + level)) * noise

    for row, n in zip(table, range(schedule.num_steps, 0, -1), strict=True):
        following = row[SAMPLE] * noisy(bounds[n]) + row[NOISE] * noise
        np.testing.assert_allclose(following, noisy(bounds[n - 1]), rtol=1e-9)


def test_second_order_steps_extrapolate_the_clean_estimate():
    """DPM-Solver++(2M), algorithm 2, written out from its formulas."""
    schedule = SCHEDULES["list"]  # uneven steps: their ratio matters
    table, bounds = step_table(schedule, "dpmpp"), schedule.noise_level_bounds
    half_log_snr = np.log(bounds[1:]) - 0.5 * np.log(
        (1 - bounds[1:]) * (1 + bounds[1:])
    )
    noisy, noise, previous = 0.8, -0.4, 0.33
    for step, n in enumerate(range(schedule.num_steps, 1, -1)):
        level, following = bounds[n], bounds[n - 1]
        deviation, next_deviation = (
            math.sqrt((1 - x) * (1 + x)) for x in (level, following)
        )
        estimate = (noisy - deviation * noise) / level
        h = half_log_snr[n - 2] - half_log_snr[n - 1]
        if step > 0:
            ratio = (half_log_snr[n - 1] - half_log_snr[n]) / h
            estimate = (1 + 1 / (2 * ratio)) * estimate - previous / (2 * ratio)
        expected = (
            next_deviation / deviation * noisy - following * estimate * math.expm1(-h)
        )
        row = table[step]
        actual = (
            row[SAMPLE] * noisy + row[NOISE] * noise + row[PREVIOUS_CLEAN] * previous
        )
        np.testing.assert_allclose(actual, expected, rtol=1e-9)
    assert not table[:, FRESH_NOISE].any()


@pytest.mark.parametrize(("sampler", "order"), [("ddim", 1), ("dpmpp", 2)])
def test_error_on_a_gaussian_falls_at_the_claimed_order(sampler, order):
    start = np.array([1.3, -0.2, -2.1])
    errors = []
    for num_steps in (50, 100, 200, 400):
        schedule = even_schedule(num_steps)
        table = step_table(schedule, sampler)
        end = references.run_steps(table, start, exact_noise)
        true = references.gaussian_flow(start, schedule.last_level, MEAN, VARIANCE)
        errors.append(np.abs(end - true).max())
    orders = np.log2(np.array(errors[:-1]) / errors[1:])
    assert np.abs(orders - order).max() < 0.25, (errors, orders)
    assert errors[-1] < (0.02 if order == 1 else 2e-4)


def ddpm_moments(num_steps):
    """Mean and variance that DDPM's steps end with: affine maps, so exactly."""
    mean, variance = 0.0, 1.0
    for row in step_table(even_schedule(num_steps), "ddpm"):
        level = row[LEVEL]
        at_zero, at_one = (exact_noise(x, level) for x in (0.0, 1.0))
        gain = row[SAMPLE] + row[NOISE] * (at_one - at_zero)
        mean = gain * mean + row[NOISE] * at_zero
        variance = gain**2 * variance + row[FRESH_NOISE] ** 2
    return mean, variance


def test_ddpm_converges_to_the_mean_and_variance_of_the_data():
    errors = []
    for num_steps in (100, 200, 400, 800):
        mean, variance = ddpm_moments(num_steps)
        assert abs(mean - MEAN) < 1e-2
        errors.append(abs(variance - VARIANCE))
    ratios = np.array(errors[:-1]) / errors[1:]
    assert np.abs(ratios - 2).max() < 0.3, errors
    assert errors[-1] < 0.01


def toy_noise(noisy, level, _):
    level = level[:, None]
    noise_variance = (1 - level) * (1 + level)
    total = level**2 * VARIANCE + noise_variance
    return tf.sqrt(noise_variance) * (noisy - level * MEAN) / total


@ALL_SAMPLERS
def test_all_samplers_reach_the_distribution_of_the_data(sampler):
    """Through the loop itself, with its own noise."""
    num_samples, steps = 20000, 200
    table = step_table(even_schedule(steps, 1 - 1e-5), sampler)[None]
    audio = refine(toy_noise, table, tf.constant([5], tf.int64), num_samples).numpy()
    mean_error = math.sqrt(VARIANCE / num_samples)
    variance_error = VARIANCE * math.sqrt(2 / num_samples)
    # 5 SE, and the discretisation at 200 steps (see the tests of convergence).
    assert abs(audio.mean() - MEAN) < 5 * mean_error + 0.03
    assert abs(audio.var() - VARIANCE) < 5 * variance_error + 0.03


@ALL_SAMPLERS
@pytest.mark.parametrize("name", ["derived", "derived small", "list", "one step"])
def test_given_the_true_noise_all_steps_end_at_the_clean_audio(name, sampler):
    clean = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 30)).astype("float32")

    def true_noise(noisy, level, _):
        level = level[:, None]
        return (noisy - level * clean) / tf.sqrt((1 - level) * (1 + level))

    table = np.tile(step_table(SCHEDULES[name], sampler), (2, 1, 1))
    audio = refine(true_noise, table, tf.constant([1, 2], tf.int64), 30)
    # A float32 level next to 1 knows its noise (1e-3 here) to a tenth only.
    np.testing.assert_allclose(audio, clean, atol=2e-4)


def arbitrary_tables():
    """Every column matters, and no two rows are alike."""
    rng = np.random.default_rng(3)
    tables = [rng.uniform(-0.9, 0.9, (steps, 7)) for steps in (5, 2, 3)]
    for table in tables:
        table[:, LEVEL] = rng.uniform(0.1, 0.9, len(table))
    return tables


def pad(tables):
    """Tables of unequal length in one array; idle steps behind the shorter ones."""
    idle = np.zeros(7)
    idle[LEVEL], idle[SAMPLE] = 0.5, 1.0
    padded = np.tile(idle, (len(tables), max(map(len, tables)), 1))
    for row, table in zip(padded, tables, strict=True):
        row[: len(table)] = table
    return padded


def curved_noise(noisy, level, _):
    return tf.sin(noisy) * level[:, None] + 0.1


def test_loop_matches_the_float64_recurrence():
    seeds, fresh = np.array([4, 5, 6]), np.random.default_rng(0).normal(size=(6, 3, 8))
    tables = arbitrary_tables()
    audio = refine(
        curved_noise,
        pad(tables),
        seeds,
        8,
        noise=lambda draw: tf.gather(tf.constant(fresh, tf.float32), draw),
    ).numpy()
    for row, table in enumerate(tables):
        expected = references.run_steps(
            table,
            fresh[0, row],
            lambda noisy, level: np.sin(noisy) * level + 0.1,
            fresh[1:, row],
        )
        np.testing.assert_allclose(audio[row], expected, atol=1e-5)


@ALL_SAMPLERS
def test_schedules_of_unequal_length_give_what_each_gives_alone(sampler):
    seeds = tf.constant([4, 5, 6, 7], tf.int64)
    schedules = [derived_schedule(SMALL, steps) for steps in (7, 1, 3, 7)]
    schedules[3] = SCHEDULES["list"]
    bounds = np.full((4, 9), 0.01)
    for row, schedule in zip(bounds, schedules, strict=True):
        row[: schedule.num_steps + 1] = schedule.noise_level_bounds
    num_steps = tf.constant([schedule.num_steps for schedule in schedules])
    tables = step_tables(tf.constant(bounds), num_steps, sampler)
    alone = [step_table(schedule, sampler) for schedule in schedules]
    np.testing.assert_allclose(tables, pad(alone), rtol=1e-14)
    together = refine(curved_noise, tables, seeds, 9).numpy()
    for row, table in enumerate(alone):
        expected = refine(curved_noise, table[None], seeds[row : row + 1], 9).numpy()
        np.testing.assert_allclose(together[row], expected[0], atol=1e-6)


def test_longer_audio_and_windows_change_no_sample():
    """For a network that sees one sample only, refinement is sample by sample."""
    table = step_table(derived_schedule(SMALL, 4), "ddpm")[None]
    seeds = tf.constant([8], tf.int64)
    whole = refine(curved_noise, table, seeds, 40).numpy()
    part = refine(curved_noise, table, seeds, 13).numpy()
    np.testing.assert_allclose(part, whole[:, :13], atol=1e-6)
    window = refine(curved_noise, table, seeds, 13, np.array([9])).numpy()
    np.testing.assert_allclose(window, whole[:, 9:22], atol=1e-6)


@ALL_SAMPLERS
def test_eager_and_graph_agree(sampler):
    table = step_table(derived_schedule(SMALL, 5), sampler)[None]
    graph = tf.function(
        lambda table, seeds, num_samples: refine(
            curved_noise, table, seeds, num_samples
        ),
        input_signature=[
            tf.TensorSpec([None, None, 7], tf.float32),
            tf.TensorSpec([None], tf.int64),
            tf.TensorSpec([], tf.int32),
        ],
    )
    table, seeds = np.repeat(table, 2, axis=0), np.array([8, 9])
    eager = refine(curved_noise, table, seeds, 21).numpy()
    actual = graph(table.astype("float32"), seeds, 21).numpy()
    assert actual.shape == (2, 21)
    np.testing.assert_allclose(actual, eager, atol=1e-5)


def test_seeds_and_only_seeds_change_the_result():
    table = np.repeat(step_table(derived_schedule(SMALL, 4), "ddpm")[None], 3, axis=0)
    audio = refine(curved_noise, table, np.array([1, 2, 1]), 16).numpy()
    np.testing.assert_array_equal(audio[0], audio[2])
    assert np.abs(audio[0] - audio[1]).max() > 0.1


def test_deterministic_samplers_draw_the_initial_noise_only():
    for sampler, expected in (("ddim", [0]), ("dpmpp", [0]), ("ddpm", [0, 1, 2])):
        drawn = []

        def draw(number, drawn=drawn):
            drawn.append(int(number))
            return tf.ones((1, 4))

        table = step_table(derived_schedule(SMALL, 3), sampler)[None]
        refine(curved_noise, table, np.array([1]), 4, noise=draw)
        assert drawn == expected


def test_a_table_has_values_while_a_graph_is_made():
    expected = step_table(SCHEDULES["derived"], "dpmpp")
    graph = tf.function(lambda: tf.constant(step_table(SCHEDULES["derived"], "dpmpp")))
    np.testing.assert_array_equal(graph(), expected)


def test_unknown_sampler_is_refused_with_the_known_ones():
    with pytest.raises(ValueError, match=r"'euler'.*ddpm, ddim, dpmpp"):
        step_table(SCHEDULES["derived"], "euler")
