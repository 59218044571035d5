"""The training step and loop, validation, and what a checkpoint holds."""

from __future__ import annotations

import contextlib
import logging
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

from wg2.audio.spectral import log_mel
from wg2.config import Config
from wg2.data import pipeline
from wg2.data.dataset import DatasetInfo
from wg2.diffusion import noise as noise_source
from wg2.diffusion import parameterization
from wg2.diffusion.process import draw_noise_level, q_sample
from wg2.layers.sampling_window import crop_audio, draw_first_frame
from wg2.models.wavegrad2 import WaveGrad2
from wg2.models.weights import set_weights, weight_name
from wg2.training import losses
from wg2.training.optimizer import adam_of, ema_decay, learning_rate, make_optimizer
from wg2.training.strategy import worker_rows

logger = logging.getLogger(__name__)

NUM_LEVEL_BANDS = 4
"""Validation reports the noise loss of each quarter of the training's level draw."""


class NonFiniteLossError(RuntimeError):
    """The loss became NaN or infinite; the message names the step and the records."""


@dataclass(frozen=True)
class StepResult:
    """What one step did, averaged over the global batch."""

    step: int
    losses: dict[str, float]
    gradient_norm: float
    learning_rate: float
    audio_seconds: float
    stop_requested: bool


class Trainer:
    """Model, optimizer and averaged weights under a distribution strategy.

    Args:
        config: `Config`.
        info: The dataset, or None for a trainer that only holds and saves state.
        strategy: tf.distribute strategy.
        seed: int; initial weights, order of the data and all draws follow from it.
    Raises:
        ValueError: If the dataset does not fit the config, or the batch the replicas.
    """

    def __init__(
        self,
        config: Config,
        info: DatasetInfo,
        strategy: tf.distribute.Strategy,
        seed: int = 0,
    ):
        info.check_config(config)
        self.config = config
        self.info = info
        self.strategy = strategy
        self.seed = seed
        self.step = 0
        self._rows = worker_rows(strategy)
        self._rows.rows_per_replica(config.training.batch_size)
        self._static_shapes = config.training.xla or isinstance(
            strategy, tf.distribute.TPUStrategy
        )
        keras.utils.set_random_seed(seed)
        policy = keras.dtype_policies.get(config.training.keras_policy)
        with strategy.scope():
            # Both names are in those of the checkpoint's arrays; by default Keras
            # numbers them through, so that a process' second trainer had others.
            self.model = WaveGrad2(config, seed=seed, name="wave_grad2", dtype=policy)
            self.model.build()
            self.optimizer = make_optimizer(config)
            self.optimizer.build(self.model.trainable_variables)
            self.ema = [
                tf.Variable(w.value, trainable=False, name=f"ema/{weight_name(w)}")
                for w in self.model.trainable_variables
            ]
        self._train_functions: dict[bool, tf.types.experimental.GenericFunction] = {}
        self._evaluate_function = None
        self._swap_function = tf.function(self._swap, autograph=False)

    # -- one step -----------------------------------------------------------

    def in_mel_phase(self, step: int) -> bool:
        return step < self.config.training.mel_phase_steps

    def phase_variables(self, decode: bool) -> list[keras.Variable]:
        """What a step trains: everything, or all but the decoder in the mel phase."""
        variables = self.model.trainable_variables
        if decode:
            return variables
        decoder = {id(v) for v in self.model.decoder.trainable_variables}
        return [v for v in variables if id(v) not in decoder]

    def _forward(self, batch, decode: bool, training: bool) -> dict[str, tuple]:
        """Loss name -> (weight in the total, sum, count) over this replica's rows;
        "noise_by_band" with `(bands,)` vectors where `decode`."""
        config = self.config
        settings = config.training
        spf = config.samples_per_frame
        window = settings.window_frames if decode else settings.mel_phase_window_frames
        seeds, weight = batch["seed"], batch["weight"]
        draws = noise_source.uniform(seeds, 1, 3)
        first_frame = draw_first_frame(draws[:, 2], batch["num_frames"], window)
        clean, mask = crop_audio(
            batch["audio"], first_frame, batch["num_frames"], window, spf
        )
        inputs = {
            "phoneme_ids": batch["phoneme_ids"],
            "phoneme_lengths": batch["phoneme_lengths"],
            "speaker_ids": batch["speaker_id"],
            "durations": batch["durations"],
            "first_frame": first_frame,
        }
        if decode:
            # One draw per stratum of the batch: the same distribution, less variance
            # (Variational Diffusion Models, arXiv:2107.00630, appendix I.1).
            rank = batch["stratum"]
            if training:
                rank = (rank + draws[:, 0] / settings.batch_size) % 1.0
            level = draw_noise_level(tf.stack([rank, draws[:, 1]], -1), config)
            noise = noise_source.standard_normal(seeds, 0, window * spf)
            inputs |= {
                "noisy_audio": q_sample(clean, level, noise),
                "noise_level": level,
                # Masks cost a tenth of a step; without short clips all are full.
                "frame_mask": mask if self.info.min_frames < window else None,
            }
        outputs = self.model(
            inputs, window_frames=window, decode=decode, training=training
        )
        results = {
            "duration": (
                settings.duration_loss_weight,
                *losses.duration_loss(
                    outputs["predicted_durations"],
                    batch["durations"],
                    batch["phoneme_lengths"],
                    weight,
                ),
            )
        }
        if "predicted_mel" in outputs:
            target = log_mel(batch["audio"], config.audio, spf, first_frame, window)
            results["mel"] = (
                settings.mel_loss_weight,
                *losses.mel_loss(outputs["predicted_mel"], target, mask, weight),
            )
        if decode:
            row_weight = weight
            if config.decoder.parameterization == "preconditioned":
                row_weight = weight * parameterization.loss_weight(
                    level, config.decoder.data_rms
                )
            sums, counts = losses.noise_loss(
                outputs["predicted_noise"], noise, mask, row_weight, spf
            )
            counts = counts * weight
            results["noise"] = (
                settings.noise_loss_weight,
                tf.reduce_sum(sums),
                tf.reduce_sum(counts),
            )
            band = tf.cast(rank * NUM_LEVEL_BANDS, tf.int32)
            in_band = tf.one_hot(band, NUM_LEVEL_BANDS, axis=0)  # (bands, batch)
            results["noise_by_band"] = (
                0.0,
                tf.linalg.matvec(in_band, sums),
                tf.linalg.matvec(in_band, counts),
            )
        return results

    def _replica_step(self, batch, stop, decode: bool):
        """Trains one replica. Losses as shares of the global means; gradient norm and
        the sum of all replicas' `stop`, the same on all."""
        context = tf.distribute.get_replica_context()
        replicas = self.strategy.num_replicas_in_sync
        scale = losses.loss_scale_of(self.optimizer)
        variables = self.phase_variables(decode)
        with tf.GradientTape() as tape:
            results = self._forward(batch, decode, training=True)
            results.pop("noise_by_band", None)
            counts = [count for _, _, count in results.values()]
            if replicas > 1:
                # A signal may reach one worker only: all stop after the same step.
                *counts, stop = context.all_reduce(
                    tf.distribute.ReduceOp.SUM, [*counts, tf.identity(stop)]
                )
            # This replica's share of the mean over the global batch.
            means = {
                name: total / tf.maximum(count, 1.0)
                for (name, (_, total, _)), count in zip(
                    results.items(), counts, strict=True
                )
            }
            loss = tf.add_n([results[name][0] * mean for name, mean in means.items()])
            scaled_loss = loss * scale
        gradients = tape.gradient(
            scaled_loss, [v.value for v in variables], unconnected_gradients="zero"
        )
        # Those of embeddings are slices; the norm of slices is not that of their sum.
        gradients = [tf.convert_to_tensor(g) for g in gradients]
        if replicas > 1:
            # Keras optimizers sum the replicas' gradients, but only after clipping
            # them; the norm to clip by is that of the sum. So sum here, clip, and hand
            # every replica its share of the result.
            gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        norm = tf.linalg.global_norm(gradients)
        limit = self.config.training.gradient_clip_norm * scale
        factor = limit / tf.maximum(norm, limit) / replicas
        self.optimizer.apply([g * factor for g in gradients], variables)
        return {"total": loss, **means}, norm / scale, stop

    def _make_train_function(self, decode: bool, element_spec):
        replica_step = tf.function(
            lambda batch, stop: self._replica_step(batch, stop, decode),
            jit_compile=True if self.config.training.xla else None,
            autograph=False,
        )

        @tf.function(
            input_signature=[element_spec]
            + [tf.TensorSpec((), t) for t in (tf.float32, tf.float32, tf.float32)],
            autograph=False,
        )
        def train(batch, rate, decay, stop):
            adam_of(self.optimizer).learning_rate.assign(rate)
            means, norm, stop = self.strategy.run(replica_step, args=(batch, stop))
            add, mean = tf.distribute.ReduceOp.SUM, tf.distribute.ReduceOp.MEAN
            means = {
                k: self.strategy.reduce(add, v, axis=None) for k, v in means.items()
            }
            norm = self.strategy.reduce(mean, norm, axis=None)
            stop = self.strategy.reduce(mean, stop, axis=None)
            for average, weight in zip(
                self.ema, self.model.trainable_variables, strict=True
            ):
                average.assign(decay * average + (1.0 - decay) * weight.value)
            return means, norm, stop

        return train

    def batches(self, split: str = "train"):
        """Distributed batches: of training from the current step on, or validation."""
        make = {
            "train": lambda _: pipeline.training_batches(
                self.info,
                self.config,
                self.seed,
                self.step,
                self._rows,
                self._static_shapes,
            ),
            "validation": lambda _: pipeline.validation_batches(
                self.info, self.config, self.seed, self._rows, self._static_shapes
            ),
        }[split]
        # Strings (ids) cannot live on accelerators; steps copy the rest over.
        options = tf.distribute.InputOptions(experimental_fetch_to_device=False)
        return self.strategy.distribute_datasets_from_function(make, options)

    def training_steps(self, stop_requested=lambda: False) -> Iterator[StepResult]:
        """Trains; yields after every step, endlessly.

        Args:
            stop_requested: Asked before every step; if any worker's says True, the
                result of that step has `stop_requested` set for all workers.
        Raises:
            NonFiniteLossError: With the step and the ids of its records.
            ValueError: A damaged shard.
        """
        dataset = self.batches()
        spec = _without_strings(dataset.element_spec)
        # Other workers learn of a request in their next step; alone, this one is last.
        alone = not isinstance(self.strategy, tf.distribute.MultiWorkerMirroredStrategy)
        for batch in pipeline.clear_errors(iter(dataset), self.info):
            ids = batch["id"]
            decode = not self.in_mel_phase(self.step)
            if decode and self.step == self.config.training.mel_phase_steps > 0:
                self._reset_optimizer()
            if decode not in self._train_functions:
                self._train_functions[decode] = self._make_train_function(decode, spec)
            rate = learning_rate(self.config.training, self.step)
            means, norm, stop = self._train_functions[decode](
                _without_strings(batch),
                rate,
                ema_decay(self.config.training, self.step),
                float(stop_requested()),
            )
            means = {name: float(value) for name, value in means.items()}
            norm, settings = float(norm), self.config.training
            # Loss scaling skips the steps whose float16 gradients overflow.
            skipped = settings.precision == "float16" and not math.isfinite(norm)
            if not math.isfinite(means["total"] + (0.0 if skipped else norm)):
                raise NonFiniteLossError(
                    f"the loss became {means['total']} at step {self.step} (losses "
                    f"{ {k: round(v, 4) for k, v in means.items()} }, gradient norm "
                    f"{norm}). Records of that step: "
                    f"{', '.join(_local_strings(self.strategy, ids))}. Lower "
                    "training.learning_rate or look at these records"
                )
            window = (
                settings.window_frames if decode else settings.mel_phase_window_frames
            )
            self.step += 1
            yield StepResult(
                step=self.step,
                losses=means,
                gradient_norm=norm,
                learning_rate=rate,
                audio_seconds=settings.batch_size
                * window
                / self.config.frames_per_second,
                stop_requested=float(stop) > 0 or (alone and stop_requested()),
            )

    def _reset_optimizer(self) -> None:
        """A fresh Adam for the decoder's phase: the mel phase's moments are of another
        loss, and the decoder has none."""
        for variable in adam_of(self.optimizer).variables:
            if "learning_rate" not in variable.path:
                variable.assign(np.zeros(variable.shape, variable.dtype))

    # -- averaged weights and validation ------------------------------------

    def _swap(self) -> None:
        for average, weight in zip(
            self.ema, self.model.trainable_variables, strict=True
        ):
            kept = tf.identity(weight.value)
            weight.assign(tf.identity(average))
            average.assign(kept)

    @contextlib.contextmanager
    def averaged_weights(self) -> Iterator[None]:
        """Within, the model has the moving averages; after, its own weights again."""
        self._swap_function()
        try:
            yield
        finally:
            self._swap_function()

    def evaluate(self) -> dict[str, float]:
        """Losses on the validation split with averaged weights, fixed noise and levels.

        Returns:
            "noise_loss", "duration_loss", "mel_loss" (where they exist) and
            "noise_loss_by_level/0_clean" .. "/3_noisy".
        """
        dataset = self.batches("validation")
        if self._evaluate_function is None:
            spec = _without_strings(dataset.element_spec)

            @tf.function(input_signature=[spec], autograph=False)
            def evaluate(batch):
                def replica(batch):
                    results = self._forward(batch, True, training=False)
                    return {k: (s, c) for k, (_, s, c) in results.items()}

                per_replica = self.strategy.run(replica, args=(batch,))
                add = tf.distribute.ReduceOp.SUM
                return {
                    name: tuple(self.strategy.reduce(add, v, axis=None) for v in pair)
                    for name, pair in per_replica.items()
                }

            self._evaluate_function = evaluate
        totals: dict[str, np.ndarray] = {}
        settings = self.config.training
        available = self.info.split("validation").num_utterances
        num_batches = min(
            settings.validation_batches, math.ceil(available / settings.batch_size)
        )
        with self.averaged_weights():
            iterator = pipeline.clear_errors(iter(dataset), self.info)
            for _ in range(num_batches):
                batch = next(iterator)
                for name, pair in self._evaluate_function(
                    _without_strings(batch)
                ).items():
                    value = np.stack([v.numpy() for v in pair])
                    totals[name] = totals.get(name, 0.0) + value
        bands = totals.pop("noise_by_band")
        metrics = {f"{k}_loss": float(v[0] / max(v[1], 1)) for k, v in totals.items()}
        # Stratum 0 is the clean end of the paper's draw, the noisy end of the other.
        names = ["0_clean", "1", "2", "3_noisy"]
        if self.config.diffusion.level_distribution == "normal_log_snr":
            bands = bands[:, ::-1]
        for name, total, count in zip(names, *bands, strict=True):
            if count > 0:
                metrics[f"noise_loss_by_level/{name}"] = float(total / count)
        return metrics

    # -- state --------------------------------------------------------------

    def _state_variables(self) -> dict[str, tf.Variable | keras.Variable]:
        """Everything that training changes, by name."""
        named = {f"model/{weight_name(w)}": w for w in self.model.weights}
        trainable = self.model.trainable_variables
        for average, weight in zip(self.ema, trainable, strict=True):
            named[f"ema/{weight_name(weight)}"] = average
        weights = {id(w) for w in self.model.weights}
        seeds = [v for v in self.model.variables if id(v) not in weights]
        named |= {f"seed/{i}": v for i, v in enumerate(seeds)}
        named |= {
            f"optimizer/{i}/{v.path}": v for i, v in enumerate(self.optimizer.variables)
        }
        return named

    def state_arrays(self) -> dict[str, np.ndarray]:
        """Copies of all state, for a checkpoint."""
        return {
            name: np.asarray(keras.ops.convert_to_numpy(variable))
            for name, variable in self._state_variables().items()
        }

    def restore(self, arrays: dict[str, np.ndarray], step: int, source: Path) -> None:
        """Takes over a checkpoint of the same config exactly.

        Raises:
            ValueError: Anything missing, over or of another shape, naming `source`.
        """
        variables = self._state_variables()
        if set(variables) != set(arrays):
            odd = sorted(set(variables) ^ set(arrays))[0]
            raise ValueError(
                f"{source} is a checkpoint of another config or version: {odd} is on "
                "one side only. To start from its weights use --init-from"
            )
        for name, variable in variables.items():
            if tuple(variable.shape) != arrays[name].shape:
                raise ValueError(
                    f"{source} is a checkpoint of another config: {name} has shape "
                    f"{arrays[name].shape}, expected {tuple(variable.shape)}. To start "
                    "from its weights use --init-from"
                )
        for name, variable in variables.items():
            variable.assign(arrays[name])
        self.step = step

    def set_initial_weights(self, arrays: dict[str, np.ndarray], source: Path) -> None:
        """Starts from these weights (all of them) at step 0."""
        set_weights(self.model, arrays, source)
        for average, weight in zip(
            self.ema, self.model.trainable_variables, strict=True
        ):
            average.assign(weight.value)


def _without_strings(batch):
    return {k: v for k, v in batch.items() if k not in ("id", "text")}


def _local_strings(strategy, values) -> list[str]:
    local = strategy.experimental_local_results(values)
    return [s.decode("utf-8") for part in local for s in part.numpy().tolist()]
