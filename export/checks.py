"""Checks of a request inside the graph: INVALID_ARGUMENT with one sentence.

A model server compares a request with its signature in names only: dtypes are left to
the session, shapes to the kernels, values to nobody.
"""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from export.limits import Limits
from wg2.config import Config
from wg2.generation import context_frames
from wg2.models.receptive_field import receptive_field_frames

Tensors = dict[str, tf.Tensor]


class RequestChecks:
    """What a request to a voice must keep.

    Args:
        config: The voice's.
        limits: What a request may ask for.
    """

    def __init__(self, config: Config, limits: Limits):
        self._config = config
        self._limits = limits

    def __call__(self, inputs: Tensors) -> Tensors:
        """`inputs` by name, once all of them are known to be valid."""
        inputs = {
            name: tf.ensure_shape(tensor, tensor.shape)
            for name, tensor in inputs.items()
        }
        inputs = _after(self._rows(inputs), inputs)
        stages = (
            {
                "text": self._text,
                "num_steps": self._steps,
                "length_scale": self._scale,
                "num_phonemes": self._num_phonemes,
                "num_frames": self._num_frames,
            },
            {"phoneme_ids": self._phoneme_ids, "first_frame": self._window},
            {"features": self._coverage},
        )
        for stage in stages:
            checks = [
                operation
                for name, check in stage.items()
                if name in inputs
                for operation in check(inputs)
            ]
            inputs = _after(checks, inputs)
        return inputs

    def duration(self, num_frames: tf.Tensor) -> list[tf.Operation]:
        """That rows of so many frames, int32 `(batch,)`, are not too long."""
        limits = self._limits
        seconds = tf.cast(num_frames, tf.float64) / self._config.frames_per_second
        return [
            _require(
                seconds <= limits.max_seconds,
                f"a row may last {limits.max_seconds:g} s at most (max_seconds): split"
                " the text, or ask for a lower length_scale or shorter pauses",
                seconds,
            ),
            _require_total(
                f"may be {limits.max_total_seconds:g} s of sound at most"
                " (max_total_seconds)",
                tf.reduce_max(seconds) * tf.cast(tf.size(seconds), tf.float64),
                limits.max_total_seconds,
            ),
        ]

    def phonemes(self, num_phonemes: tf.Tensor) -> list[tf.Operation]:
        """That texts of so many phonemes, int32 `(batch,)`, were not cut."""
        most = self._limits.max_phonemes
        return [
            _require(
                num_phonemes < most,
                f"text must have fewer than {most} phonemes (max_phonemes): split it",
                num_phonemes,
            )
        ]

    def total_phonemes(self, ids: tf.Tensor) -> list[tf.Operation]:
        """That all rows of `ids`, `(batch, phonemes)`, are not too many."""
        most = self._limits.max_total_phonemes
        what = f"may be {most} phonemes at most (max_total_phonemes)"
        return [_require_total(what, tf.size(ids), most)]

    def _rows(self, inputs: Tensors) -> list[tf.Operation]:
        rows = tf.stack([tf.shape(tensor)[0] for tensor in inputs.values()])
        most = self._limits.max_rows
        names = ", ".join(inputs)
        return [
            tf.debugging.Assert(
                tf.reduce_all(rows == rows[0]),
                [f"{names} must have the same number of rows. Received:", rows],
                summarize=10,
            ),
            tf.debugging.Assert(
                (rows[0] >= 1) & (rows[0] <= most),
                [
                    f"a request must have 1 to {most} rows (max_rows). Received:",
                    rows[0],
                ],
            ),
        ]

    def _text(self, inputs: Tensors) -> list[tf.Operation]:
        most, length = self._limits.max_text_bytes, tf.strings.length(inputs["text"])
        message = (
            f"text may have {most} bytes a row at most (max_text_bytes): split it into"
            " sentences"
        )
        return [_require(length <= most, message, length)]

    def _steps(self, inputs: Tensors) -> list[tf.Operation]:
        return [_require_range("num_steps", inputs, 1, self._limits.max_steps)]

    def _scale(self, inputs: Tensors) -> list[tf.Operation]:
        low, high = self._limits.min_length_scale, self._limits.max_length_scale
        return [_require_range("length_scale", inputs, low, high)]

    def _num_phonemes(self, inputs: Tensors) -> list[tf.Operation]:
        most, count = self._limits.max_phonemes, inputs["num_phonemes"]
        width = tf.shape(inputs["phoneme_ids"])[1]
        return [
            _require(
                (count >= 1) & (count <= tf.minimum(width, most)),
                "num_phonemes must lie in 1 .. the length of phoneme_ids, and be"
                f" {most} at most (max_phonemes)",
                count,
            )
        ]

    def _phoneme_ids(self, inputs: Tensors) -> list[tf.Operation]:
        ids = inputs["phoneme_ids"]
        most = self._config.text.num_phonemes - 1
        # Padding may be any value.
        padding = ~tf.sequence_mask(inputs["num_phonemes"], tf.shape(ids)[1])
        unknown = ~(padding | (ids >= 0) & (ids <= most))
        message = (
            f"phoneme_ids must lie in 0 .. {most}, positions in the phonemes of"
            " assets/serving.json"
        )
        shown = tf.reduce_max(tf.where(unknown, ids, ids.dtype.min), axis=1)
        return [_require(~tf.reduce_any(unknown, axis=1), message, shown)]

    def _num_frames(self, inputs: Tensors) -> list[tf.Operation]:
        most = round(self._limits.max_seconds * self._config.frames_per_second)
        return [
            _require_range(name, inputs, 1, most)
            for name in ("num_frames", "window_frames")
        ]

    def _window(self, inputs: Tensors) -> list[tf.Operation]:
        num_frames = inputs["num_frames"]
        return [
            _require(
                (inputs[name] >= 0) & (inputs[name] < num_frames),
                f"{name} must lie in 0 .. num_frames - 1",
                inputs[name],
            )
            for name in ("first_frame", "features_first_frame")
        ]

    def _coverage(self, inputs: Tensors) -> list[tf.Operation]:
        first_frame, given = inputs["first_frame"], inputs["features_first_frame"]
        context = context_frames(self._config, inputs["num_steps"])
        start = tf.maximum(first_frame - context, 0)
        end = first_frame + inputs["window_frames"] + context
        end = tf.minimum(end, inputs["num_frames"])
        covered = (given <= start) & (end <= given + tf.shape(inputs["features"])[1])
        reach = receptive_field_frames(self._config.decoder)
        message = (
            f"features must cover the window and, on either side of it, {reach} frames"
            " for every step, as far as the utterance goes; the window begins at"
        )
        return [_require(covered, message, first_frame), *self.duration(end - start)]


def _require(valid: tf.Tensor, message: str, received: tf.Tensor) -> tf.Operation:
    """An operation that fails unless every row is valid; it shows the first that is
    not, `received` of it included."""
    row = tf.argmax(tf.cast(~valid, tf.int32), output_type=tf.int32)
    return tf.debugging.Assert(
        tf.reduce_all(valid),
        [f"{message}. Row and value received:", row, received[row]],
    )


def _require_total(what: str, total: tf.Tensor, most: float) -> tf.Operation:
    message = f"rows times the longest of them {what}: send fewer rows, or shorter ones"
    return tf.debugging.Assert(total <= most, [f"{message}. Received:", total])


def _require_range(name: str, inputs: Tensors, low: float, high: float) -> tf.Operation:
    value = inputs[name]
    # Written so that NaN is refused.
    valid = (value >= low) & (value <= high)
    return _require(valid, f"{name} must lie in {low:g} .. {high:g}", value)


def _after(checks: Sequence[tf.Operation], inputs: Tensors) -> Tensors:
    with tf.control_dependencies(checks):
        return {name: tf.identity(tensor) for name, tensor in inputs.items()}
