"""Schedules by the words users write: names, lists of betas, files."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wg2.config import Config
from wg2.diffusion.schedule import NoiseSchedule, derived_schedule, voice_schedule

NAMES = ("voice", "derived", "linear", "fibonacci")

ScheduleLike = str | Path | Sequence[float] | NoiseSchedule


def make_schedule(
    config: Config, steps: int | None = None, schedule: ScheduleLike = "voice"
) -> NoiseSchedule:
    """The schedule to synthesize with.

    Args:
        config: The voice's `Config`.
        steps: int or None: the voice's default, or as many as a list has.
        schedule: "voice" (what the voice has for `steps`, else derived), "derived"
            (even in log-SNR between the training's two ends), "linear"
            (the training's betas, first to last, over `steps` points, as the paper's
            "Linear"), "fibonacci", betas as a list or as comma-separated text, a
            .json, .npy or .txt file of betas, or a `NoiseSchedule`.
    Raises:
        ValueError, FileNotFoundError: Not a schedule, or of another length than
            `steps`.
    """
    if isinstance(schedule, str) and schedule in NAMES:
        steps = config.diffusion.synthesis_steps if steps is None else steps
        if schedule == "voice":
            return voice_schedule(config, steps)
        if schedule == "derived":
            return derived_schedule(config, steps)
        if schedule == "fibonacci":
            return NoiseSchedule.fibonacci(steps)
        diffusion = config.diffusion
        return NoiseSchedule.linear(diffusion.beta_start, diffusion.beta_end, steps)
    if not isinstance(schedule, NoiseSchedule):
        schedule = NoiseSchedule(_read_betas(schedule))
    if steps is not None and steps != schedule.num_steps:
        raise ValueError(
            f"--steps {steps} contradicts the given schedule of {schedule.num_steps} "
            "betas; leave one of them out"
        )
    return schedule


def _read_betas(source: str | Path | Sequence[float]) -> np.ndarray:
    if not isinstance(source, (str, Path)):
        return np.asarray(source, dtype=np.float64)
    text = str(source)
    path = Path(text)
    try:
        if path.suffix in (".json", ".npy", ".txt"):
            if not path.is_file():
                raise FileNotFoundError(f"No schedule file at {path}")
            if path.suffix == ".npy":
                return np.load(path, allow_pickle=False).astype(np.float64).ravel()
            content = path.read_text(encoding="utf-8")
            if path.suffix == ".json":
                return np.asarray(json.loads(content), dtype=np.float64)
            text = content.replace("\n", ",")
        return np.array([float(v) for v in text.split(",") if v.strip()])
    except (ValueError, TypeError) as error:
        if isinstance(error, FileNotFoundError):
            raise
        raise ValueError(
            f"{str(source)!r} is no noise schedule. Expected {', '.join(NAMES)}, "
            "comma-separated betas, or a .json, .npy or .txt file of betas"
        ) from None
