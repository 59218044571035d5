"""Noise schedules: immutable, float64, known by their betas.

The paper's step n = 1 .. N is index n - 1 here. `noise_level = sqrt(alpha_bar)`, 1 is
clean. A schedule for synthesis need not be the one of training, but it starts from
pure noise: its last level should be as low as the lowest level seen in training.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from wg2.config import Config

WARN_LAST_LEVEL = 0.3
MAX_STEPS = 100_000


class NoiseSchedule:
    """A sequence of betas and what follows from it.

    Reference: DDPM (arXiv:2006.11239), section 2; WaveGrad (arXiv:2009.00713),
    section 3, for the continuous level.

    Args:
        betas: `(steps,)`, each in (0, 1).
    Raises:
        ValueError: If there is no step or a beta is outside (0, 1).
    """

    def __init__(self, betas: Sequence[float] | np.ndarray):
        betas = np.array(betas, dtype=np.float64)
        if betas.ndim != 1 or betas.size == 0:
            raise ValueError(
                f"A noise schedule needs a list of betas. Received shape {betas.shape}"
            )
        bad = np.flatnonzero(~((betas > 0) & (betas < 1)))
        if bad.size:
            raise ValueError(
                "Every beta must lie in (0, 1). Received: "
                f"betas[{bad[0]}]={betas[bad[0]]}"
            )
        betas.setflags(write=False)
        self._betas = betas
        bounds = self.noise_level_bounds
        if bounds[-1] <= 0 or np.any(np.diff(bounds) >= 0):
            raise ValueError(
                "The noise levels of a schedule must decrease strictly and stay above "
                f"0 in float64. Received: {self}"
            )

    @property
    def betas(self) -> np.ndarray:
        """`(steps,)`, read-only."""
        return self._betas

    @property
    def num_steps(self) -> int:
        return self._betas.size

    @functools.cached_property
    def noise_level_bounds(self) -> np.ndarray:
        """`l_0 = 1, l_1, .., l_N`, strictly decreasing, `(steps + 1,)`."""
        bounds = np.concatenate([[1.0], np.sqrt(np.cumprod(1.0 - self._betas))])
        bounds.setflags(write=False)
        return bounds

    @property
    def last_level(self) -> float:
        """The level that synthesis claims for its first, pure-noise input."""
        return float(self.noise_level_bounds[-1])

    def warning(self) -> str | None:
        """Why this schedule may hiss, or None."""
        if self.last_level <= WARN_LAST_LEVEL:
            return None
        return (
            f"this {self.num_steps}-step schedule ends at noise level "
            f"{self.last_level:.3f}: it presents pure noise as nearly clean speech and "
            f"will hiss. A schedule should end below {WARN_LAST_LEVEL}; the derived "
            "schedule does"
        )

    def __eq__(self, other) -> bool:
        return isinstance(other, NoiseSchedule) and np.array_equal(
            self._betas, other._betas
        )

    def __hash__(self) -> int:
        return hash(self._betas.tobytes())

    def __repr__(self) -> str:
        return (
            f"NoiseSchedule(num_steps={self.num_steps}, betas {self._betas[0]:.3g} .. "
            f"{self._betas[-1]:.3g}, last_level={self.last_level:.3g})"
        )

    @classmethod
    def linear(cls, beta_start: float, beta_end: float, num_steps: int):
        """Betas evenly from `beta_start` to `beta_end`."""
        _check_steps(num_steps)
        return cls(np.linspace(beta_start, beta_end, num_steps))

    @classmethod
    def fibonacci(cls, num_steps: int, first: float = 1e-6, second: float = 9e-6):
        """Every beta the sum of the two before. Reference: WaveGrad, section 4.1."""
        _check_steps(num_steps)
        betas = [first, second]
        while len(betas) < num_steps:
            betas.append(betas[-1] + betas[-2])
        if betas[num_steps - 1] >= 1:
            raise ValueError(
                f"A Fibonacci schedule from {first:g}, {second:g} exceeds 1 before "
                f"{num_steps} steps. Use fewer steps or smaller first betas"
            )
        return cls(betas[:num_steps])

    @classmethod
    def from_noise_levels(cls, levels: Sequence[float] | np.ndarray):
        """The schedule that visits `l_1 > .. > l_N`, all in (0, 1)."""
        levels = np.array(levels, dtype=np.float64)
        bounds = np.concatenate([[1.0], levels])
        if levels.size == 0 or not np.all(np.diff(bounds) < 0) or levels[-1] <= 0:
            raise ValueError(
                f"Noise levels must decrease within (0, 1). Received: {levels}"
            )
        return cls(1.0 - np.square(bounds[1:] / bounds[:-1]))

    @classmethod
    def derived(cls, num_steps: int, highest_level: float, lowest_level: float):
        """`num_steps` levels, even in log signal-to-noise ratio, between two ends.

        With the ends of training (see `training_level_range`) every step meets a level
        the network has seen, the first one included. One step uses the lowest level.
        """
        _check_steps(num_steps)
        if not 0 < lowest_level < highest_level < 1:
            raise ValueError(
                "A derived schedule needs 0 < lowest_level < highest_level < 1. "
                f"Received: lowest_level={lowest_level}, highest_level={highest_level}"
            )
        ends = [_logit_of_square(level) for level in (highest_level, lowest_level)]
        log_snr = np.linspace(*ends, num_steps) if num_steps > 1 else ends[1:]
        return cls.from_noise_levels(np.sqrt(_sigmoid(np.asarray(log_snr))))


def _check_steps(num_steps: int) -> None:
    if num_steps < 1:
        raise ValueError(f"steps must be at least 1. Received: {num_steps}")
    if num_steps > MAX_STEPS:  # billions would eat all memory before anything is said
        raise ValueError(f"steps must be at most {MAX_STEPS}. Received: {num_steps}")


def _logit_of_square(level: float) -> float:
    return np.log(level**2) - np.log1p(-(level**2))


def _sigmoid(x):
    return np.exp(-np.logaddexp(0.0, -x))


def training_schedule(config: Config) -> NoiseSchedule:
    """The linear schedule whose segments training draws levels from."""
    diffusion = config.diffusion
    return NoiseSchedule.linear(
        diffusion.beta_start, diffusion.beta_end, diffusion.num_steps
    )


def training_level_range(config: Config) -> tuple[float, float]:
    """Highest and lowest noise level of training: the ends of derived schedules."""
    diffusion = config.diffusion
    if diffusion.level_distribution == "uniform_segments":
        bounds = training_schedule(config).noise_level_bounds
        return float(bounds[1]), float(bounds[-1])
    shift = 2.0 * np.log(config.decoder.data_rms)
    limits = np.array([diffusion.log_snr_limit, -diffusion.log_snr_limit])
    high, low = np.sqrt(_sigmoid(limits - shift))
    return float(high), float(low)


def derived_schedule(config: Config, num_steps: int) -> NoiseSchedule:
    """`num_steps` steps between the two ends of `config`'s training levels."""
    return NoiseSchedule.derived(num_steps, *training_level_range(config))


def voice_schedule(config: Config, num_steps: int) -> NoiseSchedule:
    """The schedule stored for `num_steps` steps in a voice's config, else derived."""
    for betas in config.diffusion.schedules:
        if len(betas) == num_steps:
            return NoiseSchedule(betas)
    return derived_schedule(config, num_steps)
