"""`Synthesizer`: text to audio from a voice."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from wg2.config import Config
from wg2.diffusion.named_schedules import ScheduleLike, make_schedule
from wg2.diffusion.sampler import NUM_COLUMNS, step_table
from wg2.generation import context_frames, decode_window, encode_text, render, upsample
from wg2.models.wavegrad2 import WaveGrad2
from wg2.models.weights import set_weights
from wg2.text.frontend import MAX_PHONEMES, Encoded, Frontend
from wg2.text.lexicon import Lexicon
from wg2.utterance import (
    Utterance,
    check_length,
    check_settings,
    encode_input,
    pauses_to_seconds,
    speaker_id,
)
from wg2.voice import Voice
from wg2.windows import plan_windows

logger = logging.getLogger(__name__)


class Synthesizer:
    """Speaks with a voice.

    The same text, seed and settings give the same audio, alone or in any batch.

    Args:
        voice: `Voice`.
        lexicon: Path of a user lexicon, or None.
        batch_size: int, utterances refined at a time.
        window_seconds: float, how much of an utterance the decoder sees at a time;
            bounds the memory that long texts need, and changes nothing else.
    """

    def __init__(
        self,
        voice: Voice,
        lexicon: str | Path | None = None,
        batch_size: int = 8,
        window_seconds: float = 10.0,
    ):
        if batch_size < 1:
            raise ValueError(f"`batch_size` must be at least 1. Received: {batch_size}")
        if not window_seconds > 0:
            raise ValueError(
                f"`window_seconds` must be above 0. Received: {window_seconds}"
            )
        self.voice = voice
        self.batch_size = batch_size
        self.frontend = Frontend(Lexicon(lexicon), voice.config.text.phonemes)
        self.model = build_model(voice)
        ints = tf.TensorSpec((None,), tf.int32)
        matrix = tf.TensorSpec((None, None), tf.int32)
        self._encode = tf.function(
            lambda ids, lengths, scale, speakers, pauses: encode_text(
                self.model, ids, lengths, scale, speakers, pauses
            ),
            input_signature=[
                matrix,
                ints,
                tf.TensorSpec((None,), tf.float32),
                ints,
                tf.TensorSpec((None, None), tf.float32),
            ],
            autograph=False,  # nothing here needs it, and it is most of the first call
        )
        block_frames = max(1, round(window_seconds * voice.config.frames_per_second))
        channels = self.model.encoder.output_channels
        features = tf.TensorSpec((None, None, channels), tf.float32)
        table = tf.TensorSpec((None, None, NUM_COLUMNS), tf.float32)
        seeds = tf.TensorSpec((None,), tf.int64)
        self._render = tf.function(
            lambda features, durations, lengths, table, seeds: render(
                self.model, features, durations, lengths, table, seeds, block_frames
            ),
            input_signature=[features, matrix, ints, table, seeds],
            autograph=False,
        )
        self._upsample = tf.function(
            lambda features, durations, lengths: upsample(
                self.model, features, durations, lengths
            ),
            input_signature=[features, matrix, ints],
            autograph=False,
        )
        self._decode_window = tf.function(
            lambda frames, num_frames, first, count, steps, table, seeds: decode_window(
                self.model,
                frames,
                tf.zeros_like(first),
                num_frames,
                first,
                count,
                steps,
                table,
                seeds,
                block_frames,
            ),
            input_signature=[features, ints, ints, ints, ints, table, seeds],
            autograph=False,
        )

    @classmethod
    def load(cls, path: str | Path, **kwargs) -> Synthesizer:
        """Loads a voice's directory.

        Raises:
            FileNotFoundError, ValueError: Not a voice, or damaged.
        """
        return cls(Voice.load(path), **kwargs)

    @property
    def config(self) -> Config:
        return self.voice.config

    @property
    def sample_rate_hz(self) -> int:
        return self.config.audio.sample_rate_hz

    def __call__(
        self, text: str | Sequence[str], **settings
    ) -> np.ndarray | list[np.ndarray]:
        """Audio of `text`, float32 `(samples,)`; a list for a list. See `speak`."""
        if isinstance(text, str):
            return self.speak([text], **settings)[0].audio
        return [utterance.audio for utterance in self.speak(text, **settings)]

    def speak(
        self,
        texts: Sequence[str],
        *,
        steps: int | None = None,
        sampler: str | None = None,
        schedule: ScheduleLike = "voice",
        seed: int | Sequence[int] = 0,
        length_scale: float = 1.0,
        speaker: str | Sequence[str] | None = None,
        phonemes: bool = False,
    ) -> list[Utterance]:
        """Speaks every text.

        Args:
            texts: What to say.
            steps: int, refinement steps; None: the voice's default.
            sampler: "ddpm", "ddim" or "dpmpp"; None: the voice's default.
            schedule: See `wg2.diffusion.named_schedules.make_schedule`.
            seed: int, or one for each text. Equal seeds give equal noise.
            length_scale: float in [0.1, 10]; above 1 is slower.
            speaker: Name of a speaker, or one for each text, where the voice has
                several.
            phonemes: bool; `texts` are phonemes such as "HH AH0 L OW1".
        Returns:
            One `Utterance` for each text, in their order.
        Raises:
            ValueError: Bad settings, or a text that cannot be spoken.
        """
        if isinstance(texts, str):
            raise ValueError("`speak` wants a list of texts. Received one string")
        table = self._table(steps, sampler, schedule)
        encoded = [encode_input(self.frontend, text, phonemes) for text in texts]
        return self._speak_encoded(
            encoded, None, table, seed=seed, length_scale=length_scale, speaker=speaker
        )

    def speak_phonemes(
        self,
        phoneme_ids: Sequence[Sequence[int]],
        durations: Sequence[Sequence[int]] | None = None,
        *,
        steps: int | None = None,
        sampler: str | None = None,
        schedule: ScheduleLike = "voice",
        seed: int | Sequence[int] = 0,
        length_scale: float = 1.0,
        speaker: str | Sequence[str] | None = None,
    ) -> list[Utterance]:
        """Speaks sequences of phonemes as records have them.

        Args:
            phoneme_ids: Positions in the voice's inventory, for each utterance.
            durations: Frames of each of these phonemes; None: as the voice predicts.
            steps, sampler, schedule, seed, length_scale, speaker: See `speak`; given
                durations are not scaled.
        Returns:
            One `Utterance` for each sequence, in their order.
        Raises:
            ValueError: Bad settings, ids outside the inventory, or durations that are
                negative, all zero, or not as many as phonemes.
        """
        table = self._table(steps, sampler, schedule)
        encoded = [self._encode_ids(row) for row in phoneme_ids]
        if durations is not None:
            durations = _check_durations(durations, encoded)
        return self._speak_encoded(
            encoded,
            durations,
            table,
            seed=seed,
            length_scale=length_scale,
            speaker=speaker,
        )

    def stream(
        self,
        text: str,
        *,
        steps: int | None = None,
        sampler: str | None = None,
        schedule: ScheduleLike = "voice",
        seed: int = 0,
        length_scale: float = 1.0,
        speaker: str | None = None,
        phonemes: bool = False,
    ) -> Iterator[np.ndarray]:
        """Speaks one text piece by piece: the first half second comes early.

        The pieces joined are what `speak` returns. Each piece is refined with all that
        its samples depend on around it, which costs more than the whole in one go.

        Args:
            text: What to say.
            steps, sampler, schedule, length_scale, speaker, phonemes: See `speak`.
            seed: int.
        Yields:
            float32 `(samples,)`.
        Raises:
            ValueError: Bad settings, or a text that cannot be spoken.
        """
        table = self._table(steps, sampler, schedule)
        encoded = encode_input(self.frontend, text, phonemes)
        check_settings([seed], length_scale)
        speaker_ids = self._speaker_ids(speaker, 1)

        def pieces():
            lengths, features, durations = self._phoneme_features(
                [encoded], None, length_scale, speaker_ids
            )
            frames, num_frames = self._upsample(features, durations, lengths)
            for window in plan_windows(
                int(num_frames[0]),
                context_frames(self.config, len(table)),
                self.config.frames_per_second,
            ):
                audio, _ = self._decode_window(
                    frames,
                    num_frames,
                    [window.first_frame],
                    [window.num_frames],
                    [len(table)],
                    table[None],
                    [seed],
                )
                yield audio[0].numpy()

        return pieces()  # whatever is wrong is said by the call, not by the first piece

    def _table(
        self, steps: int | None, sampler: str | None, schedule: ScheduleLike
    ) -> np.ndarray:
        """float32 `(steps, 7)`."""
        noise_schedule = make_schedule(self.config, steps, schedule)
        warning = noise_schedule.warning()
        if warning:
            logger.warning("%s", warning)
        sampler = sampler or self.config.diffusion.synthesis_sampler
        return step_table(noise_schedule, sampler).astype(np.float32)

    def _encode_ids(self, ids: Sequence[int]) -> Encoded:
        ids, size = [int(i) for i in ids], len(self.config.text.phonemes)
        if not ids:
            raise ValueError("expected at least one phoneme. Received none")
        if len(ids) > MAX_PHONEMES:
            raise ValueError(
                f"{len(ids)} phonemes in one utterance, the limit is {MAX_PHONEMES}"
            )
        if min(ids) < 0 or max(ids) >= size:
            raise ValueError(
                f"phoneme ids lie in [{min(ids)}, {max(ids)}], the voice has {size}"
            )
        return Encoded(ids, [None] * len(ids))

    def _speaker_ids(
        self, speaker: str | Sequence[str] | None, count: int
    ) -> list[int]:
        names = self.config.text.speakers
        if speaker is None or isinstance(speaker, str):
            return [speaker_id(names, speaker)] * count
        if len(speaker) != count:
            raise ValueError(f"{count} texts need as many speakers, not {len(speaker)}")
        return [speaker_id(names, name) for name in speaker]

    def _speak_encoded(
        self,
        encoded: list[Encoded],
        durations: list[np.ndarray] | None,
        table: np.ndarray,
        *,
        seed: int | Sequence[int],
        length_scale: float,
        speaker: str | Sequence[str] | None,
    ) -> list[Utterance]:
        """Any number of utterances, a batch at a time; `durations` None: predicted."""
        seeds = [seed] * len(encoded) if np.ndim(seed) == 0 else list(seed)
        if len(seeds) != len(encoded):
            raise ValueError(
                f"{len(encoded)} texts need as many seeds, not {len(seeds)}"
            )
        check_settings(seeds, length_scale)
        speaker_ids = self._speaker_ids(speaker, len(encoded))
        # Neighbours of equal length waste least on padding.
        order = sorted(range(len(encoded)), key=lambda i: -len(encoded[i].ids))
        results: dict[int, Utterance] = {}
        for start in range(0, len(order), self.batch_size):
            chosen = order[start : start + self.batch_size]
            batch = self._speak_batch(
                [encoded[i] for i in chosen],
                None if durations is None else [durations[i] for i in chosen],
                table,
                [seeds[i] for i in chosen],
                length_scale,
                [speaker_ids[i] for i in chosen],
            )
            results.update(zip(chosen, batch, strict=True))
        return [results[i] for i in range(len(encoded))]

    def _speak_batch(
        self,
        encoded: list[Encoded],
        given_durations: list[np.ndarray] | None,
        table: np.ndarray,
        seeds: list[int],
        length_scale: float,
        speaker_ids: list[int],
    ) -> list[Utterance]:
        size = len(encoded)
        lengths, features, durations = self._phoneme_features(
            encoded, given_durations, length_scale, speaker_ids
        )
        audio, num_samples = self._render(
            features,
            durations,
            lengths,
            np.tile(table, (size, 1, 1)),
            np.array(seeds, np.int64),
        )
        audio, num_samples = audio.numpy(), num_samples.numpy()
        inventory = self.config.text.phonemes
        return [
            Utterance(
                audio=audio[i, : num_samples[i]],
                sample_rate_hz=self.sample_rate_hz,
                phonemes=tuple(inventory[j] for j in encoded[i].ids),
                end_seconds=np.cumsum(durations[i, : lengths[i]])
                / self.config.frames_per_second,
                durations=durations[i, : lengths[i]],
            )
            for i in range(size)
        ]

    def _phoneme_features(
        self,
        encoded: list[Encoded],
        given_durations: list[np.ndarray] | None,
        length_scale: float,
        speaker_ids: list[int],
    ) -> tuple[np.ndarray, tf.Tensor, np.ndarray]:
        """Number of phonemes, their features and their durations."""
        size = len(encoded)
        lengths = np.array([len(row.ids) for row in encoded], np.int32)
        padded = np.zeros((size, lengths.max()), np.int32)
        pauses = np.full((size, lengths.max()), -1, np.float32)
        for i, row in enumerate(encoded):
            padded[i, : lengths[i]] = row.ids
            pauses[i, : lengths[i]] = pauses_to_seconds(row.pauses_seconds)
        features, predicted = self._encode(
            padded,
            lengths,
            np.full(size, length_scale, np.float32),
            np.array(speaker_ids, np.int32),
            pauses,
        )
        durations = predicted.numpy()
        if given_durations is not None:
            durations = np.zeros((size, lengths.max()), np.int64)
            for i, given in enumerate(given_durations):
                durations[i, : lengths[i]] = given
        seconds = durations.sum(axis=1) / self.config.frames_per_second
        check_length(seconds.max())
        return lengths, features, durations.astype(np.int32)


def build_model(voice: Voice) -> WaveGrad2:
    """The model with a voice's weights.

    Raises:
        ValueError: If the weights do not fit the config.
    """
    # A voice is spoken in float32 whatever precision it was trained in.
    model = WaveGrad2(voice.config, dtype="float32")
    model.build()
    set_weights(model, voice.weights, f"voice {voice.card.name!r}")
    return model


def _check_durations(
    durations: Sequence[Sequence[int]], encoded: Sequence[Encoded]
) -> list[np.ndarray]:
    if len(durations) != len(encoded):
        raise ValueError(
            f"{len(encoded)} utterances need as many durations, not {len(durations)}"
        )
    checked = []
    for i, (row, one) in enumerate(zip(durations, encoded, strict=True)):
        frames = np.asarray(row)
        if frames.dtype.kind not in "iu" or frames.shape != (len(one.ids),):
            raise ValueError(
                f"utterance {i}: expected {len(one.ids)} whole durations in frames. "
                f"Received: {frames.dtype} of shape {frames.shape}"
            )
        if frames.min() < 0 or frames.sum() == 0:
            raise ValueError(
                f"utterance {i}: durations must not be negative, nor all zero. "
                f"Received: {frames.min()} to {frames.max()} frames"
            )
        checked.append(frames.astype(np.int64))
    return checked
