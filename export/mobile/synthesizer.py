"""`MobileSynthesizer`: text to audio from a package, with LiteRT and NumPy alone.

This is what an Android or iOS program has to do, step by step. TensorFlow is neither
imported nor needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from export.mobile import package as names
from export.mobile.decoding import (
    WindowDecoder,
    blocks_of_any_length,
    blocks_of_fixed_length,
)
from export.mobile.flat_model import FlatModel, litert
from export.mobile.lexicon import PackageLexicon
from export.mobile.package import MODES, SINGLE, SPLIT, WINDOWS, Package, file_of
from wg2.text.frontend import Encoded, Frontend
from wg2.utterance import (
    MAX_SECONDS,
    Utterance,
    check_length,
    check_settings,
    encode_input,
    pauses_to_seconds,
    speaker_id,
)
from wg2.windows import plan_windows


class MobileSynthesizer:
    """Speaks with a package.

    Args:
        package: Its folder.
        lexicon: A user lexicon, or None.
        mode: "split": encoder, upsampler and decoder one by one, of any length;
            "windows": the same with the decoder of fixed size; "single": all in one
            file, one call.
        num_threads: int.
        block_seconds: float or None, how much the decoder sees at a time (and its
            margin); bounds the memory. Not with "single".
        interpreter: LiteRT's `Interpreter` by default; TensorFlow's has its interface.
    Raises:
        FileNotFoundError, ValueError: Not a package, or damaged.
        ModuleNotFoundError: LiteRT is not installed.
    """

    def __init__(
        self,
        package: str | Path,
        lexicon: str | Path | None = None,
        mode: str = SPLIT,
        num_threads: int = 2,
        block_seconds: float | None = None,
        interpreter: Any = None,
    ):
        if mode not in MODES:
            raise ValueError(
                f"Unknown mode {mode!r}. Expected one of: {', '.join(MODES)}"
            )
        if num_threads < 1:
            raise ValueError(f"threads must be at least 1. Received: {num_threads}")
        self.package = Package.load(package)
        self.mode = mode
        interpreter = litert() if interpreter is None else interpreter
        self._models = {
            name: FlatModel(
                lambda name=name: self.package.path(file_of(name)),
                interpreter,
                num_threads,
            )
            for name in names.MODELS
        }
        self._block_frames = self._choose_block(block_seconds)
        self.frontend = Frontend(
            PackageLexicon(self.package, self._predict_phonemes, lexicon),
            self.package.facts["phonemes"],
        )

    @property
    def sample_rate_hz(self) -> int:
        return self.package.facts["sample_rate_hz"]

    def speak(
        self,
        texts: Sequence[str],
        *,
        steps: int | None = None,
        seed: int = 0,
        length_scale: float = 1.0,
        speaker: str | None = None,
        phonemes: bool = False,
    ) -> list[Utterance]:
        """Speaks every text, one after the other.

        Args:
            texts: What to say.
            steps: int, one of those that the package has tables for; None: its default.
            seed: int. Equal seeds give equal noise.
            length_scale: float in [0.1, 10]; above 1 is slower.
            speaker: Name of a speaker, where the voice has several.
            phonemes: bool; `texts` are phonemes such as "HH AH0 L OW1".
        Raises:
            ValueError: Bad settings, or a text that cannot be spoken.
        """
        table = self._table(steps)
        check_settings([seed], length_scale)
        index = speaker_id(self.package.facts["speakers"], speaker)
        encoded = [encode_input(self.frontend, text, phonemes) for text in texts]
        return [
            self._speak(one, table, seed, self._text_inputs(one, length_scale, index))
            for one in encoded
        ]

    def stream(
        self,
        text: str,
        *,
        steps: int | None = None,
        seed: int = 0,
        length_scale: float = 1.0,
        speaker: str | None = None,
        phonemes: bool = False,
    ) -> Iterator[np.ndarray]:
        """Speaks one text piece by piece; joined, the pieces are what `speak` returns.

        Args:
            See `speak`.
        Yields:
            float32 `(samples,)`.
        Raises:
            ValueError: As `speak`; also with the mode "single".
        """
        if self.mode == SINGLE:
            raise ValueError(
                f"the single file speaks whole texts only. Stream with the mode {SPLIT}"
                f" or {WINDOWS}"
            )
        table = self._table(steps)
        check_settings([seed], length_scale)
        index = speaker_id(self.package.facts["speakers"], speaker)
        encoded = encode_input(self.frontend, text, phonemes)

        def pieces():
            inputs = self._text_inputs(encoded, length_scale, index)
            _, decode, frames_of = self._prepare(table, seed, inputs)
            for window in plan_windows(
                decode.num_frames,
                decode.num_steps * decode.margin_frames,
                self.package.frames_per_second,
            ):
                first = window.first_frame
                yield decode(frames_of, first, first + window.num_frames)

        return pieces()  # whatever is wrong is said by the call, not by the first piece

    def _choose_block(self, seconds: float | None) -> int:
        if seconds is not None and not 0 < seconds <= MAX_SECONDS:
            raise ValueError(
                f"a block must be longer than 0 s, and at most {MAX_SECONDS:.0f} s. "
                f"Received: {seconds}"
            )
        if seconds is not None and self.mode == SINGLE:
            raise ValueError(
                "the length of blocks is fixed in the single file: leave it out"
            )
        wanted = names.BLOCK_SECONDS if seconds is None else seconds
        frames = max(1, round(wanted * self.package.frames_per_second))
        facts = self.package.facts
        longest = facts["window_frames"] - 2 * facts["margin_frames"]
        if self.mode == WINDOWS:
            if seconds is not None and frames > longest:
                raise ValueError(
                    f"a block of {seconds} s is longer than this package's windows: "
                    f"they hold {longest / self.package.frames_per_second:.2f} s. Use "
                    f"the mode {SPLIT}, or export longer windows"
                )
            return min(frames, longest)
        return frames

    def _predict_phonemes(self, letters: Sequence[Sequence[int]]) -> np.ndarray:
        return self._models[names.G2P](letters=np.array(letters, np.int32))["phonemes"]

    def _table(self, steps: int | None) -> dict[str, np.ndarray]:
        facts = self.package.facts
        steps = facts["default_steps"] if steps is None else steps
        if str(steps) not in facts["tables"]:
            known = ", ".join(sorted(facts["tables"], key=int))
            raise ValueError(
                f"This package has no table for {steps} steps. It has: {known}. Others "
                "are a matter of exporting again: --steps"
            )
        columns = facts["tables"][str(steps)]
        return {name: np.array(column, np.float32) for name, column in columns.items()}

    def _text_inputs(
        self, encoded: Encoded, length_scale: float, speaker: int
    ) -> dict[str, np.ndarray]:
        inputs = {
            "phoneme_ids": np.array([encoded.ids], np.int32),
            "pauses_seconds": pauses_to_seconds(encoded.pauses_seconds)[None],
            "length_scale": np.array([length_scale], np.float32),
        }
        if len(self.package.facts["speakers"]) > 1:
            inputs["speaker_id"] = np.array([speaker], np.int32)
        return inputs

    def _speak(self, encoded, table, seed, inputs) -> Utterance:
        if self.mode == SINGLE:
            # How long the rest lasts is known in the file only.
            check_length(np.maximum(inputs["pauses_seconds"], 0).sum())
            rows = np.stack([table[name] for name in self.package.facts["columns"]], -1)
            found = self._models[names.SPEECH](
                **inputs, seed=np.array([seed], np.int64), table=rows[None]
            )
            audio, durations = found["audio"][0], found["durations"]
        else:
            durations, decode, frames_of = self._prepare(table, seed, inputs)
            audio = decode(frames_of, 0, decode.num_frames)
        seconds = durations[0] / self.package.frames_per_second
        symbols = self.package.facts["phonemes"]
        return Utterance(
            audio=audio,
            sample_rate_hz=self.sample_rate_hz,
            phonemes=tuple(symbols[i] for i in encoded.ids),
            end_seconds=np.cumsum(seconds),
            durations=durations[0],
        )

    def _prepare(self, table, seed, inputs):
        """Durations `(1, phonemes)`, the decoder of one utterance, and its frames."""
        facts = self.package.facts
        encoded = self._models[names.ENCODER](**inputs)
        num_frames = max(1, int(encoded["durations"].sum()))
        check_length(num_frames / self.package.frames_per_second)

        def frames_of(first, count):
            # Piece by piece: every frame is weighed against every phoneme.
            pieces = [
                self._models[names.UPSAMPLER](
                    **encoded,
                    first_frame=np.array([start], np.int32),
                    num_frames=np.array(
                        [min(names.FRAMES_AT_A_TIME, first + count - start)], np.int32
                    ),
                )["frames"][0]
                for start in range(first, first + count, names.FRAMES_AT_A_TIME)
            ]
            return np.concatenate(pieces)

        def draw_noise(draw, first, count):
            size = facts["samples_per_frame"]
            return self._models[names.NOISE](
                seed=np.array([seed], np.int64),
                draw=np.array([draw], np.int32),
                first_sample=np.array([first * size], np.int32),
                num_samples=np.array([count * size], np.int32),
            )["noise"][0]

        decode = WindowDecoder(
            self._predictor(),
            draw_noise,
            table,
            num_frames,
            facts["margin_frames"],
            facts["samples_per_frame"],
        )
        return encoded["durations"], decode, frames_of

    def _predictor(self) -> Callable[..., np.ndarray]:
        facts = self.package.facts
        margin, size = facts["margin_frames"], facts["samples_per_frame"]

        def decoder(audio, frames, level):
            return self._models[names.DECODER](
                audio=audio[None], frames=frames[None], noise_level=_row(level)
            )["noise"][0]

        def decoder_window(audio, frames, mask, level):
            return self._models[names.DECODER_WINDOW](
                audio=audio[None],
                frames=frames[None],
                mask=mask[None],
                noise_level=_row(level),
            )["noise"][0]

        if self.mode == WINDOWS:
            return blocks_of_fixed_length(
                decoder_window, self._block_frames, facts["window_frames"], margin, size
            )
        return blocks_of_any_length(decoder, self._block_frames, margin, size)


def _row(level: float) -> np.ndarray:
    return np.array([level], np.float32)
