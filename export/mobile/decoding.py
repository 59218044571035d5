"""The loop of refinement on the phone's side, in NumPy: a model for Kotlin or Swift.

It is `wg2.diffusion.sampler.refine` without TensorFlow, and must give what that gives.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

PredictNoise = Callable[[np.ndarray, np.ndarray, float], np.ndarray]
"""(audio `(samples,)`, frames `(frames, channels)`, level) -> noise `(samples,)`."""


class WindowDecoder:
    """Decodes windows of one utterance.

    Every step looks `margin_frames` further than its result, so a window needs that
    much more of the utterance on both sides in every step but the last, and less and
    less of it. At the ends of the utterance nothing is needed: there is silence.

    Args:
        predict: See `blocks_of_any_length` and `blocks_of_fixed_length`.
        draw_noise: (draw, first frame, number of frames) -> `(samples,)`.
        table: Name of a column -> float32 `(steps,)`; names as in `voice.json`.
        num_frames: int, of the utterance.
        margin_frames: int, how far the decoder looks.
        samples_per_frame: int.
    """

    def __init__(
        self,
        predict: Callable[..., np.ndarray],
        draw_noise: Callable[[int, int, int], np.ndarray],
        table: Mapping[str, np.ndarray],
        num_frames: int,
        margin_frames: int,
        samples_per_frame: int,
    ):
        self.predict = predict
        self.draw_noise = draw_noise
        self.table = table
        self.num_frames = num_frames
        self.margin_frames = margin_frames
        self.samples_per_frame = samples_per_frame

    @property
    def num_steps(self) -> int:
        return len(self.table["level"])

    def needed(self, first_frame: int, end_frame: int, steps: int) -> tuple[int, int]:
        """What of the utterance a window depends on `steps` steps before its end."""
        margin = steps * self.margin_frames
        return max(0, first_frame - margin), min(self.num_frames, end_frame + margin)

    def __call__(self, frames_of, first_frame: int, end_frame: int) -> np.ndarray:
        """The audio of one window, float32 `(samples,)`.

        Args:
            frames_of: (first frame, number of frames) -> `(frames, channels)`.
            first_frame, end_frame: The window, `end_frame` not in it.
        """
        start, end = self.needed(first_frame, end_frame, self.num_steps)
        frames = frames_of(start, end - start)
        audio = self.draw_noise(0, start, end - start)
        clean = np.zeros_like(audio)
        for step in range(self.num_steps):
            row = {name: column[step] for name, column in self.table.items()}
            low, high = self.needed(first_frame, end_frame, self.num_steps - 1 - step)
            predicted = self.predict(
                audio, frames, start, self.num_frames, low, high, row["level"]
            )
            kept = slice(low - start, high - start)
            samples = slice(
                kept.start * self.samples_per_frame, kept.stop * self.samples_per_frame
            )
            audio, clean, frames = audio[samples], clean[samples], frames[kept]
            refined = row["sample"] * audio + row["noise"] * predicted
            refined += row["previous_clean"] * clean
            if row["fresh_noise"]:
                refined += row["fresh_noise"] * self.draw_noise(
                    step + 1, low, high - low
                )
            clean = row["clean_sample"] * audio + row["clean_noise"] * predicted
            audio, start = refined, low
        return audio


def blocks_of_any_length(
    decoder: PredictNoise,
    block_frames: int,
    margin_frames: int,
    samples_per_frame: int,
) -> Callable[..., np.ndarray]:
    """Predicts noise in blocks, as many frames at a time as memory allows.

    Args:
        decoder: Takes any length; beyond its ends there must be nothing.
    """

    def predict(audio, frames, start, num_frames, low, high, level):
        found = []
        for block in range(low, high, block_frames):
            block_end = min(block + block_frames, high)
            first = max(0, block - margin_frames)
            end = min(num_frames, block_end + margin_frames)
            noise = decoder(
                _samples(audio, first - start, end - start, samples_per_frame),
                frames[first - start : end - start],
                level,
            )
            inner = block - first, block_end - first
            found.append(_samples(noise, *inner, samples_per_frame))
        return np.concatenate(found)

    return predict


def blocks_of_fixed_length(
    decoder: Callable[[np.ndarray, np.ndarray, np.ndarray, float], np.ndarray],
    block_frames: int,
    window_frames: int,
    margin_frames: int,
    samples_per_frame: int,
) -> Callable[..., np.ndarray]:
    """Predicts noise in windows of one size, as delegates want them.

    Args:
        decoder: (audio, frames, mask `(frames,)`, level) -> noise; the mask is 1
            inside of the utterance and 0 outside.
        block_frames: int, how many of them count; at most all but two margins.
        window_frames: int, what the decoder takes.
    """

    def predict(audio, frames, start, num_frames, low, high, level):
        found = []
        for block in range(low, high, block_frames):
            first = block - margin_frames
            position = np.arange(first, first + window_frames)
            mask = (position >= 0) & (position < num_frames)
            noise = decoder(
                _padded(
                    audio,
                    (first - start) * samples_per_frame,
                    window_frames * samples_per_frame,
                ),
                _padded(frames, first - start, window_frames),
                mask.astype(np.float32),
                level,
            )
            count = min(block_frames, high - block)
            found.append(
                _samples(noise, margin_frames, margin_frames + count, samples_per_frame)
            )
        return np.concatenate(found)

    return predict


def _samples(
    audio: np.ndarray, first_frame: int, end_frame: int, samples_per_frame: int
) -> np.ndarray:
    return audio[first_frame * samples_per_frame : end_frame * samples_per_frame]


def _padded(values: np.ndarray, first: int, count: int) -> np.ndarray:
    """`values[first : first + count]` with zeros where there is nothing."""
    found = np.zeros((count, *values.shape[1:]), values.dtype)
    begin, end = max(first, 0), min(first + count, len(values))
    if begin < end:
        found[begin - first : end - first] = values[begin:end]
    return found
