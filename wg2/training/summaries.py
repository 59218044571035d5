"""TensorBoard summaries and `metrics.jsonl`, with pictures and sound at validation."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import re
from pathlib import Path

import numpy as np
import tensorflow as tf

from wg2.audio.spectral import log_mel
from wg2.data import pipeline
from wg2.diffusion.sampler import step_table
from wg2.diffusion.schedule import derived_schedule
from wg2.generation import encode_text, render
from wg2.training.trainer import StepResult, Trainer

logger = logging.getLogger(__name__)

PREVIEW_STEPS = 12
"""Refinement steps of the sound at validation: enough to hear what was learnt."""
MAX_PREVIEW_FRAMES = 800
MAX_PREVIEW_PHONEMES = 400


class Summaries:
    """Writes what training reports.

    Args:
        run_dir: The run's folder.
        trainer: Gives config, averaged weights and validation utterances.
    """

    def __init__(self, run_dir: Path, trainer: Trainer):
        self.trainer = trainer
        self._writer = tf.summary.create_file_writer(str(run_dir / "tensorboard"))
        self._metrics_path = run_dir / "metrics.jsonl"
        self._preview_function = None

    def training(self, result: StepResult, means: dict[str, float], rate: float):
        """Losses (means since the last report) and the state of the optimizer."""
        values = {f"train/{name}_loss": value for name, value in means.items()}
        values |= {
            "train/gradient_norm": result.gradient_norm,
            "train/learning_rate": result.learning_rate,
            "train/audio_seconds_per_second": rate,
        }
        self._write(result.step, values)

    def validation(self, step: int, metrics: dict[str, float]) -> None:
        """Validation losses, and once the decoder trains, a preview of its speech."""
        self._write(step, {f"eval/{name}": value for name, value in metrics.items()})
        if not self.trainer.in_mel_phase(step):
            self._preview(step)

    def _write(self, step: int, values: dict[str, float]) -> None:
        line = json.dumps({"step": step, **values})
        with self._writing(step):
            for name, value in values.items():
                tf.summary.scalar(name, value)
            with open(self._metrics_path, "a", encoding="utf-8") as file:
                file.write(line + "\n")

    @contextlib.contextmanager
    def _writing(self, step: int):
        """Within, summaries go to TensorBoard's file; a full disk is told in a line."""
        try:
            with self._writer.as_default(step=step):
                yield
            self._writer.flush()
        except (tf.errors.OpError, OSError) as error:
            reason = re.sub(r"\{\{.*?\}\} *", "", str(error)).split("\n")[0][:200]
            raise OSError(
                f"could not write the metrics of step {step} to "
                f"{self._metrics_path.parent}: {reason}"
            ) from None

    def _preview(self, step: int) -> None:
        """One validation utterance from averaged weights, with predicted durations."""
        trainer = self.trainer
        config = trainer.config
        # Only this process looks: its own rows of the first validation batch do.
        batches = pipeline.validation_batches(
            trainer.info, config, trainer.seed, trainer._rows
        )
        batch = next(pipeline.clear_errors(iter(batches), trainer.info))
        if self._preview_function is None:
            self._preview_function = tf.function(self._synthesize, autograph=False)
        row = {k: v[:1] for k, v in batch.items()}
        phonemes = min(int(row["phoneme_lengths"][0]), MAX_PREVIEW_PHONEMES)
        ids = row["phoneme_ids"][:, :phonemes]
        with trainer.averaged_weights():
            audio, durations, weights = self._preview_function(
                ids, tf.constant([phonemes]), row["speaker_id"]
            )
        spf = config.samples_per_frame
        spoken = audio[0, : MAX_PREVIEW_FRAMES * spf].numpy()
        recorded = row["audio"][
            0, : min(int(row["num_frames"][0]), MAX_PREVIEW_FRAMES) * spf
        ].numpy()
        true = row["durations"][0, :phonemes].numpy()
        with self._writing(step):
            for name, sound in (("recording", recorded), ("synthesized", spoken)):
                tf.summary.audio(
                    f"eval/{name}",
                    sound[None, :, None],
                    config.audio.sample_rate_hz,
                    encoding="wav",
                )
            picture = self._picture(
                spoken, recorded, durations[0].numpy(), true, weights[0].numpy()
            )
            if picture is not None:
                tf.summary.image("eval/preview", picture[None])

    def _synthesize(self, ids, lengths, speaker_ids):
        model = self.trainer.model
        schedule = derived_schedule(self.trainer.config, PREVIEW_STEPS)
        table = tf.constant(step_table(schedule, "ddpm")[None], tf.float32)
        features, durations = encode_text(
            model, ids, lengths, tf.ones((1,)), speaker_ids
        )
        audio, _ = render(
            model, features, durations, lengths, table, tf.zeros((1,), tf.int64)
        )
        frames = tf.maximum(tf.reduce_sum(durations), 1)
        _, weights = model.upsample(features, durations, lengths, frames)
        return audio, durations, weights

    def _picture(self, spoken, recorded, durations, true, weights):
        """Mel spectrograms, durations and alignment as an RGBA array; None without
        matplotlib."""
        try:
            from matplotlib.figure import Figure
        except ImportError:
            if not getattr(self, "_warned", False):
                logger.warning("no pictures in TensorBoard: matplotlib is missing")
                self._warned = True
            return None
        config = self.trainer.config
        figure = Figure(figsize=(9, 10), layout="constrained")
        axes = figure.subplots(4, 1)
        for axis, audio, title in (
            (axes[0], recorded, "recording"),
            (axes[1], spoken, f"synthesized, {PREVIEW_STEPS} steps"),
        ):
            mel = log_mel(audio[None], config.audio, config.samples_per_frame)
            axis.imshow(
                np.asarray(mel)[0].T, origin="lower", aspect="auto", vmin=-9, vmax=-1
            )
            axis.set_title(title)
        axes[2].plot(true, label="aligned", drawstyle="steps-mid")
        axes[2].plot(durations, label="predicted", drawstyle="steps-mid")
        axes[2].set_title("durations, frames per phoneme")
        axes[2].legend()
        axes[3].imshow(weights.T, origin="lower", aspect="auto")
        axes[3].set_title("upsampling weights: phonemes over frames")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", dpi=80)
        return tf.io.decode_png(buffer.getvalue()).numpy()
