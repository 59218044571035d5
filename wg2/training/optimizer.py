"""Learning rate, Adam, and the moving average of the weights."""

from __future__ import annotations

import math

import keras

from wg2.config import Config, TrainingConfig


def learning_rate(config: TrainingConfig, step: int) -> float:
    """Linear warm-up, then half a cosine down to the final ratio; of a phase each.

    Args:
        config: `TrainingConfig`.
        step: int, from 0, counted from the start of training; the mel phase has its own
            peak, and the decoder's phase warms up anew.
    """
    peak = config.learning_rate
    if step < config.mel_phase_steps:
        peak, decay_steps = config.mel_phase_learning_rate, config.mel_phase_steps
    else:
        step, decay_steps = step - config.mel_phase_steps, config.decay_steps
    warm_up = min(1.0, (step + 1) / (config.warmup_steps + 1))
    progress = min(1.0, step / decay_steps)
    final = config.final_learning_rate_ratio
    cosine = final + (1.0 - final) * 0.5 * (1.0 + math.cos(math.pi * progress))
    return peak * warm_up * cosine


def ema_decay(config: TrainingConfig, step: int) -> float:
    """Decay of the moving average after `step` (from 0); the newest weigh 1 - decay.

    Early on it is less than configured, or the average would hold the initial weights
    for as long as training is short.
    """
    return min(config.ema_decay, (1.0 + step) / (10.0 + step))


def make_optimizer(config: Config) -> keras.optimizers.Optimizer:
    """Adam; under float16 with dynamic loss scaling.

    The learning rate is a variable that the trainer sets at every step; clipping is the
    trainer's too, after the replicas' gradients are summed.
    """
    training = config.training
    optimizer = keras.optimizers.Adam(
        name="adam",
        learning_rate=0.0,
        beta_1=training.adam_beta_1,
        beta_2=training.adam_beta_2,
        epsilon=training.adam_epsilon,
    )
    if training.precision == "float16":
        return keras.optimizers.LossScaleOptimizer(
            optimizer, name="loss_scale_optimizer"
        )
    return optimizer


def adam_of(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    """The optimizer whose learning rate counts."""
    return getattr(optimizer, "inner_optimizer", optimizer)
