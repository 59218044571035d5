"""Learning rate and decay of the average against their closed forms."""

from __future__ import annotations

import math

import keras
import pytest

from wg2.config import ResamplerConfig, TrainingConfig
from wg2.presets import TINY
from wg2.training.optimizer import adam_of, ema_decay, learning_rate, make_optimizer

SETTINGS = TrainingConfig(
    learning_rate=2e-3,
    warmup_steps=9,
    decay_steps=1000,
    final_learning_rate_ratio=0.1,
    ema_decay=0.99,
)
WITH_MEL_PHASE = TrainingConfig(
    mel_phase_steps=50,
    mel_phase_learning_rate=5e-3,
    learning_rate=2e-3,
    warmup_steps=9,
    decay_steps=1000,
    final_learning_rate_ratio=0.1,
)


def cosine(peak: float, step: float, steps: float) -> float:
    return peak * (0.1 + 0.9 * (1 + math.cos(math.pi * step / steps)) / 2)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, 0.1 * cosine(2e-3, 0, 1000)),
        (4, 0.5 * cosine(2e-3, 4, 1000)),
        (9, cosine(2e-3, 9, 1000)),
        (500, 2e-3 * 0.55),
        (1000, 2e-4),
        (123456, 2e-4),
    ],
)
def test_rate_warms_up_and_follows_half_a_cosine(step, expected):
    assert learning_rate(SETTINGS, step) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (0, 0.1 * cosine(5e-3, 0, 50)),
        (25, 5e-3 * 0.55),
        (49, cosine(5e-3, 49, 50)),
        (50, 0.1 * cosine(2e-3, 0, 1000)),  # warms up again
        (59, cosine(2e-3, 9, 1000)),
        (1050, 2e-4),
    ],
)
def test_each_phase_has_its_own_rate(step, expected):
    assert learning_rate(WITH_MEL_PHASE, step) == pytest.approx(expected, rel=1e-9)


def test_no_step_has_a_rate_of_zero_without_warm_up():
    settings = TrainingConfig(warmup_steps=0, learning_rate=1e-3)
    assert learning_rate(settings, 0) == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("step", "expected"), [(0, 0.1), (8, 0.5), (90, 0.91), (891, 0.99), (10**6, 0.99)]
)
def test_average_forgets_its_start_before_it_reaches_its_decay(step, expected):
    assert ema_decay(SETTINGS, step) == pytest.approx(expected)


def test_optimizer_is_adam_with_the_configs_values():
    config = TINY.override(
        "training.adam_beta_1=0.8",
        "training.adam_beta_2=0.95",
        "training.adam_epsilon=1e-5",
    )
    optimizer = make_optimizer(config)
    assert type(optimizer) is keras.optimizers.Adam and adam_of(optimizer) is optimizer
    assert (optimizer.beta_1, optimizer.beta_2, optimizer.epsilon) == (0.8, 0.95, 1e-5)
    # Clipping is the trainer's: here it would see one replica's gradient.
    assert optimizer.global_clipnorm is optimizer.clipnorm is None


def test_only_float16_scales_its_loss():
    for precision, scaled in (("float16", True), ("bfloat16", False)):
        optimizer = make_optimizer(TINY.override(f"training.precision={precision}"))
        assert isinstance(optimizer, keras.optimizers.LossScaleOptimizer) == scaled
        assert type(adam_of(optimizer)) is keras.optimizers.Adam


def test_mel_phase_without_the_mel_task_is_refused():
    assert ResamplerConfig().auxiliary_mel is False
    with pytest.raises(ValueError, match="auxiliary mel"):
        TINY.override("training.mel_phase_steps=5", "resampler.auxiliary_mel=false")
