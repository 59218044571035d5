"""The preconditioned form of noise prediction."""

import numpy as np
import pytest

from tests.layers.weights import to_numpy
from wg2.diffusion import parameterization
from wg2.diffusion.parameterization import MIN_VARIANCE

LEVELS = np.array([0.999, 0.95, 0.6, 0.2, 0.01], "float32")
RMS = 0.07


def exact(level):
    """Noise, signal and total deviation in float64."""
    level = np.asarray(level, np.float64)
    noise = np.sqrt((1 - level) * (1 + level))
    return noise, level * RMS, np.hypot(noise, level * RMS)


def test_noise_scale_keeps_its_digits_next_to_clean():
    levels = np.array([0.999999, 0.9999, 0.5, 0.01], "float32")
    np.testing.assert_allclose(
        to_numpy(parameterization.noise_scale(levels)), exact(levels)[0], rtol=1e-6
    )
    clean = to_numpy(parameterization.noise_scale(np.ones(1, "float32")))
    np.testing.assert_allclose(clean, np.sqrt(MIN_VARIANCE), rtol=1e-6)


def test_log_snr_and_its_inverse():
    noise, signal, _ = exact(LEVELS)
    log_snr = to_numpy(parameterization.log_snr(LEVELS, RMS))
    np.testing.assert_allclose(log_snr, 2 * np.log(signal / noise), atol=1e-5)
    again = to_numpy(parameterization.level_from_log_snr(log_snr, RMS))
    np.testing.assert_allclose(again, LEVELS, rtol=1e-5)


def test_coefficients_make_input_and_target_of_unit_variance():
    """From the covariance of clean audio (variance RMS^2) and noise alone."""
    input_scale, skip, output_scale = (
        to_numpy(x).astype(np.float64)
        for x in parameterization.coefficients(LEVELS, RMS)
    )
    noise, _, _ = exact(LEVELS)
    # Everything as weights of (clean, noise).
    noisy = np.stack([LEVELS.astype(np.float64), noise])
    covariance = np.array([RMS**2, 1.0])

    def product(a, b):
        return (a * b * covariance[:, None]).sum(axis=0)

    np.testing.assert_allclose(
        product(input_scale * noisy, input_scale * noisy), 1, rtol=1e-6
    )
    target = (np.array([[0.0], [1.0]]) - skip * noisy) / output_scale
    np.testing.assert_allclose(product(target, target), 1, rtol=1e-5)
    # The skip is the best linear estimate: its error is uncorrelated with the input.
    np.testing.assert_allclose(product(target, noisy), 0, atol=5e-4)


def test_loss_weight_turns_an_error_of_the_noise_into_one_of_the_network():
    _, _, output_scale = parameterization.coefficients(LEVELS, RMS)
    _, signal, total = exact(LEVELS)
    weight = to_numpy(parameterization.loss_weight(LEVELS, RMS))
    np.testing.assert_allclose(weight, total / signal, rtol=1e-5)
    np.testing.assert_allclose(weight * to_numpy(output_scale), 1, rtol=1e-5)


@pytest.mark.parametrize("rms", [1e-4, 0.03, 1.0])
def test_everything_is_finite_at_every_level(rms):
    levels = np.array([1.0, 1 - 6e-8, 0.5, 1e-4], "float32")
    for values in (
        *parameterization.coefficients(levels, rms),
        parameterization.log_snr(levels, rms),
        parameterization.loss_weight(levels, rms),
    ):
        assert np.isfinite(to_numpy(values)).all()
    extremes = parameterization.level_from_log_snr(np.array([-9.0, 9.0]), rms)
    assert to_numpy(extremes).min() > 0 and to_numpy(extremes).max() <= 1
