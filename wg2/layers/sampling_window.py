"""One random window per utterance, of frames and of the samples under them."""

from __future__ import annotations

from keras import ops

from wg2.layers.masking import gather_rows


def draw_first_frame(position, num_frames, window_frames: int):
    """First frames of windows, uniform over those that lie inside the utterance.

    Args:
        position: float `(batch,)` in [0, 1), the uniform draw.
        num_frames: int `(batch,)`, length of each utterance.
        window_frames: int. A shorter utterance starts its window at 0.

    Returns:
        int32 `(batch,)`.
    """
    room = ops.maximum(ops.cast(num_frames, "int32") - window_frames, 0)
    choices = ops.cast(room + 1, "float32")
    # A float64 position next to 1 is 1 as a float32.
    first = ops.cast(ops.floor(ops.cast(position, "float32") * choices), "int32")
    return ops.minimum(first, room)


def crop_audio(audio, first_frame, num_frames, window_frames: int, samples_per_frame):
    """Samples of the window; zeros past the end of the utterance.

    Args:
        audio: `(batch, samples)`, samples a multiple of `samples_per_frame`.
        first_frame, num_frames: int `(batch,)`.
        window_frames, samples_per_frame: int.

    Returns:
        `(batch, window_frames * samples_per_frame)` and the bool mask of its frames
        `(batch, window_frames)`.
    """
    frames = ops.reshape(audio, (ops.shape(audio)[0], -1, samples_per_frame))
    index = ops.cast(first_frame, "int32")[:, None] + ops.arange(window_frames)[None, :]
    mask = index < ops.cast(num_frames, "int32")[:, None]
    window = gather_rows(frames, ops.minimum(index, ops.shape(frames)[1] - 1))
    window = ops.where(mask[:, :, None], window, ops.zeros((), window.dtype))
    samples = window_frames * samples_per_frame
    return ops.reshape(window, (ops.shape(audio)[0], samples)), mask
