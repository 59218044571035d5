"""A training run in its folder: start, resume, checkpoints, signals, progress.

`<run>/config.json` and `run.json` (seed, dataset, version) are written first,
`checkpoints/`, `tensorboard/` and `metrics.jsonl` grow, `voice/` comes last.
"""

from __future__ import annotations

import json
import logging
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
from tqdm import tqdm

from wg2 import files
from wg2.config import Config
from wg2.data.dataset import DatasetInfo
from wg2.training.checkpoints import CheckpointStore
from wg2.training.strategy import is_chief
from wg2.training.summaries import Summaries
from wg2.training.trainer import StepResult, Trainer

logger = logging.getLogger(__name__)

CONFIG_FILE = "config.json"
RUN_FILE = "run.json"


def check_new(run_dir: Path) -> None:
    """Raises ValueError if the folder holds a run already."""
    if (run_dir / CONFIG_FILE).exists():
        raise ValueError(
            f"{run_dir} already holds a run. Go on with it (--resume), or choose "
            "another --run-dir"
        )


def start_run(run_dir: Path, config: Config, info: DatasetInfo, seed: int) -> None:
    """Writes config and provenance into a new run's folder."""
    run_dir.mkdir(parents=True, exist_ok=True)
    provenance = {
        "seed": seed,
        "corpus": vars(info.corpus),
        "corpus_hash": info.corpus_hash,
        "tensorflow": tf.__version__,
    }
    with files.atomic_write(run_dir / RUN_FILE, "w") as file:
        file.write(json.dumps(provenance, indent=2, ensure_ascii=False) + "\n")
    with files.atomic_write(run_dir / CONFIG_FILE, "w") as file:
        file.write(config.to_json())


def read_run(run_dir: Path) -> tuple[Config, dict[str, Any]]:
    """Config and provenance of a run.

    Raises:
        FileNotFoundError, ValueError: No run there, or not readable.
    """
    if not (run_dir / CONFIG_FILE).is_file():
        raise FileNotFoundError(f"{run_dir} holds no training run ({CONFIG_FILE})")
    config = Config.from_file(run_dir / CONFIG_FILE)
    try:
        provenance = json.loads((run_dir / RUN_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{run_dir / RUN_FILE} is not readable: {error}") from None
    return config, provenance


class StopSignals:
    """Remembers SIGTERM and SIGINT, so that the step in progress can finish.

    A second SIGINT interrupts at once, for people who mean it.
    """

    def __init__(self):
        self.requested = False
        self._previous: dict[int, Any] = {}

    def __enter__(self) -> StopSignals:
        for number in (signal.SIGTERM, signal.SIGINT):
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def _handle(self, number: int, frame) -> None:
        if self.requested and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.requested = True
        logger.warning(
            "%s: finishing the step, saving, exiting", signal.Signals(number).name
        )

    def __exit__(self, *error) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)


@dataclass
class _Meter:
    """Sums of losses and time between two reports."""

    losses: dict[str, float]
    audio_seconds: float
    steps: int
    since: float

    @classmethod
    def started(cls) -> _Meter:
        return cls({}, 0.0, 0, time.monotonic())

    def add(self, result: StepResult) -> None:
        for name, value in result.losses.items():
            self.losses[name] = self.losses.get(name, 0.0) + value
        self.audio_seconds += result.audio_seconds
        self.steps += 1

    def means(self) -> dict[str, float]:
        return {name: value / self.steps for name, value in self.losses.items()}

    def audio_rate(self) -> float:
        return self.audio_seconds / max(time.monotonic() - self.since, 1e-9)


class TrainingRun:
    """Trains to a step, with validation, summaries and checkpoints on the way.

    Args:
        trainer: `Trainer`.
        run_dir: The run's folder (shared by all workers).
        progress: bool; a progress line on the terminal.
    """

    def __init__(self, trainer: Trainer, run_dir: Path, progress: bool = True):
        self.trainer = trainer
        self.run_dir = run_dir
        settings = trainer.config.training
        self.store = CheckpointStore(run_dir, settings.checkpoints_kept)
        self.is_chief = is_chief(trainer.strategy)
        self.progress = progress and self.is_chief
        self.summaries = Summaries(run_dir, trainer) if self.is_chief else None
        self._last_saved: int | None = None

    def resume(self, step: int | None = None) -> None:
        """Restores a checkpoint (None: the newest; step 0 if there is none yet).

        Raises:
            FileNotFoundError, ValueError: Missing, damaged, or of another config.
        """
        if step is None and not self.store.steps():
            logger.warning("%s has no checkpoint yet: starting at step 0", self.run_dir)
            return
        arrays, state = self.store.load(step)
        source = self.store.path(state["step"])
        saved = Config.from_dict(state["config"])
        for part in ("audio", "text", "encoder", "resampler", "decoder", "diffusion"):
            if getattr(saved, part) != getattr(self.trainer.config, part):
                raise ValueError(
                    f"{source} is a checkpoint of another config than {self.run_dir}/"
                    f"{CONFIG_FILE}: `{part}` differs"
                )
        self.trainer.restore(arrays, state["step"], source)
        self._last_saved = self.trainer.step
        logger.info("resumed at step %d", self.trainer.step)

    def save(self) -> None:
        """Saves a checkpoint; only the chief writes."""
        trainer = self.trainer
        if self._last_saved == trainer.step:
            return
        if self.is_chief:
            state = {
                "step": trainer.step,
                "seed": trainer.seed,
                "config": trainer.config.to_dict(),
                "corpus_hash": trainer.info.corpus_hash,
            }
            self.store.save(trainer.step, trainer.state_arrays(), state)
            logger.info("saved %s", self.store.path(trainer.step))
        self._last_saved = trainer.step

    def train(self, num_steps: int) -> bool:
        """Trains until step `num_steps`.

        Returns:
            True if that step was reached, False if a signal came first. Either way the
            last state is saved.
        """
        settings = self.trainer.config.training
        if self.trainer.step >= num_steps:
            logger.info("already at step %d", self.trainer.step)
            return True
        bar = tqdm(
            total=num_steps,
            initial=self.trainer.step,
            disable=None if self.progress else True,  # None: only on a terminal
            unit="step",
            dynamic_ncols=True,
        )
        meter = _Meter.started()
        with StopSignals() as signals, bar:
            for result in self.trainer.training_steps(lambda: signals.requested):
                meter.add(result)
                bar.update(1)
                done = result.step >= num_steps or result.stop_requested
                if result.step % settings.log_interval == 0 or done:
                    self._report(result, meter, bar, num_steps)
                    meter = _Meter.started()
                if result.step % settings.checkpoint_interval == 0 or done:
                    self.save()
                if result.step % settings.validation_interval == 0:
                    self._validate()
                if done:
                    break
        return self.trainer.step >= num_steps

    def _report(
        self, result: StepResult, meter: _Meter, bar: tqdm, num_steps: int
    ) -> None:
        if self.summaries is None:
            return
        means, rate = meter.means(), meter.audio_rate()
        postfix = {name: f"{value:.4f}" for name, value in means.items()}
        bar.set_postfix({**postfix, "audio s/s": f"{rate:.1f}"})
        if bar.disable:
            seconds = time.monotonic() - meter.since
            left = (num_steps - result.step) * seconds / max(meter.steps, 1)
            logger.info(
                "step %d/%d  %s  |g| %.3g  lr %.2g  %.1f audio s/s  %s left",
                result.step,
                num_steps,
                "  ".join(f"{k} {v}" for k, v in postfix.items()),
                result.gradient_norm,
                result.learning_rate,
                rate,
                tqdm.format_interval(left),
            )
        self.summaries.training(result, means, rate)

    def _validate(self) -> None:
        if not self.trainer.info.splits["validation"].num_utterances:
            return
        started = time.monotonic()
        metrics = self.trainer.evaluate()
        if self.summaries is None:
            return
        logger.info(
            "validation at step %d: %s (%.1f s)",
            self.trainer.step,
            "  ".join(f"{k} {v:.4f}" for k, v in metrics.items()),
            time.monotonic() - started,
        )
        self.summaries.validation(self.trainer.step, metrics)
