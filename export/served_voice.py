"""A voice as a `tf.Module` whose signatures a model server offers.

The front end, the model and the one refinement loop in a graph of TensorFlow's core
operations. Every input and output has the batch first; noise comes from each row's own
seed, so that a row's answer does not depend on its neighbours.
"""

from __future__ import annotations

from collections.abc import Callable

import tensorflow as tf

from export.checks import RequestChecks, Tensors
from export.limits import Limits
from wg2.config import SAMPLERS
from wg2.diffusion.graph_schedule import voice_noise_levels
from wg2.diffusion.sampler import step_tables
from wg2.generation import decode, decode_window, encode_text, upsample
from wg2.inference import build_model
from wg2.models.receptive_field import receptive_field_frames
from wg2.text.graph import GraphFrontend
from wg2.text.lexicon import Lexicon
from wg2.voice import Voice

_BLOCK_SECONDS = 10.0
_BATCH_BLOCK_SECONDS = 40.0
"""What the decoder sees at a time of one row, and of all rows: bounds its memory."""

_INT16_SCALE = 32768.0


class ServedVoice(tf.Module):
    """Text or phonemes to sound, for `tf.saved_model.save`.

    Args:
        voice: `wg2.voice.Voice`.
        sampler: One of `wg2.config.SAMPLERS`; None: the voice's own.
        lexicon: Pronunciations; the CMU dictionary by default.
        limits: What a request may ask for.
    Raises:
        ValueError: Unknown sampler, or the voice lacks phonemes that texts need.
    """

    def __init__(
        self,
        voice: Voice,
        sampler: str | None = None,
        lexicon: Lexicon | None = None,
        limits: Limits | None = None,
    ):
        super().__init__(name="voice")
        self.config = voice.config
        self.limits = Limits() if limits is None else limits
        self.sampler = sampler or self.config.diffusion.synthesis_sampler
        if self.sampler not in SAMPLERS:
            raise ValueError(
                f"Unknown sampler {self.sampler!r}. Expected one of: "
                f"{', '.join(SAMPLERS)}"
            )
        self._checks = RequestChecks(self.config, self.limits)
        model = build_model(voice)
        self._channels = model.encoder.output_channels
        # Tracked as plain variables: of the Keras model a server needs nothing else.
        self._variables = [variable.value for variable in model.variables]
        self._frontend = GraphFrontend(lexicon, self.config.text.phonemes)
        speakers = self.config.text.speakers or ("",)
        self._speaker_ids = tf.lookup.StaticHashTable(
            tf.lookup.KeyValueTensorInitializer(
                tf.constant(speakers), tf.range(len(speakers))
            ),
            -1,
        )
        self._shared = _Untracked(
            _Functions(model, self._frontend, self.sampler, self._checks)
        )

    def signatures(self) -> dict[str, tf.types.experimental.ConcreteFunction]:
        """The concrete function of every signature, by name."""
        text = {"text": _spec(tf.string)}
        scale = {"length_scale": _spec(tf.float32)}
        noise = {"seed": _spec(tf.int64), "num_steps": _spec(tf.int32)}
        speaker = {"speaker": _spec(tf.string)} if self._has_speakers else {}
        phonemes = {
            "phoneme_ids": _spec(tf.int32, None),
            "num_phonemes": _spec(tf.int32),
        }
        window = dict.fromkeys(
            ("features_first_frame", "num_frames", "first_frame", "window_frames"),
            _spec(tf.int32),
        )
        features = {"features": _spec(tf.float32, None, self._channels)}
        signatures = {
            "serving_default": (self._speak_text, text),
            "wav": (self._speak_wav, text),
            "synthesize": (self._synthesize, text | noise | scale | speaker),
            "synthesize_phonemes": (
                self._synthesize_phonemes,
                phonemes | noise | scale | speaker,
            ),
            "encode": (self._encode_features, text | scale | speaker),
            "decode_window": (self._decode_window, features | window | noise),
        }
        return {
            name: _signature(answer, inputs, self._checks)
            for name, (answer, inputs) in signatures.items()
        }

    @property
    def _has_speakers(self) -> bool:
        return len(self.config.text.speakers) > 1

    def describe(self) -> dict:
        """What `assets/serving.json` tells about the export."""
        config = self.config
        return {
            "format": "wg2 serving 1",
            "sampler": self.sampler,
            "default_num_steps": config.diffusion.synthesis_steps,
            "stored_schedules": sorted(map(len, config.diffusion.schedules)),
            "sample_rate_hz": config.audio.sample_rate_hz,
            "samples_per_frame": config.samples_per_frame,
            "margin_frames_per_step": receptive_field_frames(config.decoder),
            "phonemes": list(config.text.phonemes),
            "speakers": list(config.text.speakers) if self._has_speakers else [],
            "limits": self.limits.to_dict(),
        }

    def _speak_text(self, text: tf.Tensor) -> Tensors:
        rows = tf.shape(text)
        defaults = {
            "seed": tf.zeros(rows, tf.int64),
            "num_steps": tf.fill(rows, self.config.diffusion.synthesis_steps),
            "length_scale": tf.ones(rows),
        }
        if self._has_speakers:
            defaults["speaker"] = tf.fill(rows, self.config.text.speakers[0])
        answer = self._synthesize(text, **defaults)
        return {name: answer[name] for name in ("audio", "num_samples")}

    def _speak_wav(self, text: tf.Tensor) -> Tensors:
        answer = self._speak_text(text)
        wav = self._shared.value.wav(answer["audio"], answer["num_samples"])
        return {"wav_bytes": wav}

    def _synthesize(
        self,
        text: tf.Tensor,
        seed: tf.Tensor,
        num_steps: tf.Tensor,
        length_scale: tf.Tensor,
        speaker: tf.Tensor | None = None,
    ) -> Tensors:
        encoded = self._encode(text, length_scale, speaker)
        return self._decode(encoded, num_steps, seed)

    def _synthesize_phonemes(
        self,
        phoneme_ids: tf.Tensor,
        num_phonemes: tf.Tensor,
        seed: tf.Tensor,
        num_steps: tf.Tensor,
        length_scale: tf.Tensor,
        speaker: tf.Tensor | None = None,
    ) -> Tensors:
        valid = tf.sequence_mask(num_phonemes, tf.shape(phoneme_ids)[1])
        # Padding may be any value: a batching server copies the first element there.
        ids = tf.where(valid, phoneme_ids, 0)
        pauses = tf.fill(tf.shape(ids), -1.0)
        encoded = self._encode_phonemes(
            ids, num_phonemes, pauses, length_scale, speaker
        )
        return self._decode(encoded, num_steps, seed)

    def _encode_features(
        self,
        text: tf.Tensor,
        length_scale: tf.Tensor,
        speaker: tf.Tensor | None = None,
    ) -> Tensors:
        encoded = self._encode(text, length_scale, speaker)
        facts = self.describe()
        for name in (
            "sample_rate_hz",
            "samples_per_frame",
            "margin_frames_per_step",
            "default_num_steps",
        ):
            encoded[name] = tf.fill(tf.shape(encoded["num_frames"]), facts[name])
        return encoded

    def _decode_window(self, seed: tf.Tensor, **window: tf.Tensor) -> Tensors:
        audio, num_samples = self._shared.value.decode_window(seed=seed, **window)
        return {"audio": audio, "num_samples": num_samples}

    def _encode(
        self, text: tf.Tensor, length_scale: tf.Tensor, speaker: tf.Tensor | None
    ) -> Tensors:
        ids, lengths, pauses = self._shared.value.phonemes(text)
        with tf.control_dependencies(self._checks.phonemes(lengths)):
            lengths = tf.identity(lengths)
        return self._encode_phonemes(ids, lengths, pauses, length_scale, speaker)

    def _encode_phonemes(
        self,
        ids: tf.Tensor,
        lengths: tf.Tensor,
        pauses: tf.Tensor,
        length_scale: tf.Tensor,
        speaker: tf.Tensor | None,
    ) -> Tensors:
        features, num_frames, durations = self._shared.value.encode(
            ids, lengths, pauses, length_scale, self._speaker_id(lengths, speaker)
        )
        return {
            "features": features,
            "num_frames": num_frames,
            "phoneme_ids": ids,
            "durations": durations,
            "num_phonemes": lengths,
        }

    def _decode(
        self, encoded: Tensors, num_steps: tf.Tensor, seed: tf.Tensor
    ) -> Tensors:
        encoded = dict(encoded)
        audio, num_samples = self._shared.value.decode(
            encoded.pop("features"), encoded.pop("num_frames"), num_steps, seed
        )
        return {"audio": audio, "num_samples": num_samples, **encoded}

    def _speaker_id(self, rows: tf.Tensor, speaker: tf.Tensor | None) -> tf.Tensor:
        if speaker is None:
            return tf.zeros_like(rows)
        ids = self._speaker_ids.lookup(speaker)
        known = ", ".join(self.config.text.speakers)
        unknown = tf.strings.substr(tf.boolean_mask(speaker, ids < 0), 0, 64)
        unknown = tf.strings.unicode_transcode(unknown, "UTF-8", "UTF-8")  # or replaced
        check = tf.debugging.Assert(
            tf.size(unknown) == 0,
            [f"speaker must be one of: {known}. Received:", unknown],
        )
        with tf.control_dependencies([check]):
            return tf.identity(ids)


class _Functions:
    """What several signatures share, each one function in the saved graph.

    Args:
        model: `WaveGrad2` with the voice's weights.
        frontend: Text to phonemes.
        sampler: One of `wg2.config.SAMPLERS`.
        checks: Of what a request may ask for.
    """

    def __init__(
        self, model, frontend: GraphFrontend, sampler: str, checks: RequestChecks
    ):
        self._model = model
        self._config = model.config
        self._sampler = sampler
        self._checks = checks
        ints = _spec(tf.int32)
        features = _spec(tf.float32, None, model.encoder.output_channels)
        seeds = _spec(tf.int64)
        self.phonemes = _function(frontend, _spec(tf.string))
        self.encode = _function(
            self._encode,
            _spec(tf.int32, None),
            ints,
            _spec(tf.float32, None),
            _spec(tf.float32),
            ints,
        )
        self.decode = _function(self._decode, features, ints, ints, seeds)
        self.decode_window = _function(
            self._decode_window, features, ints, ints, ints, ints, ints, seeds
        )
        self.wav = _function(self._wav, _spec(tf.float32, None), ints)

    def _encode(self, ids, lengths, pauses, length_scale, speaker_ids):
        with tf.control_dependencies(self._checks.total_phonemes(ids)):
            ids = tf.identity(ids)
        features, durations = encode_text(
            self._model, ids, lengths, length_scale, speaker_ids, pauses
        )
        checks = self._checks.duration(tf.reduce_sum(durations, axis=-1))
        with tf.control_dependencies(checks):
            durations = tf.identity(durations)
        frames, num_frames = upsample(self._model, features, durations, lengths)
        return frames, num_frames, durations

    def _decode(self, features, num_frames, num_steps, seed):
        return decode(
            self._model,
            features,
            num_frames,
            self._table(num_steps),
            seed,
            self._block_frames(num_frames),
        )

    def _decode_window(
        self,
        features,
        features_first_frame,
        num_frames,
        first_frame,
        window_frames,
        num_steps,
        seed,
    ):
        return decode_window(
            self._model,
            features,
            features_first_frame,
            num_frames,
            first_frame,
            window_frames,
            num_steps,
            self._table(num_steps),
            seed,
            self._block_frames(num_frames),
        )

    def _wav(self, audio, num_samples):
        # To whole 16-bit values, so that EncodeWav has nothing to round.
        audio = tf.round(audio * _INT16_SCALE) / _INT16_SCALE
        rate = self._config.audio.sample_rate_hz

        def encode(i, files):
            samples = audio[i, : num_samples[i], None]
            return i + 1, files.write(i, tf.audio.encode_wav(samples, rate))

        rows = tf.shape(audio)[0]
        _, files = tf.while_loop(
            lambda i, _: i < rows,
            encode,
            (0, tf.TensorArray(tf.string, rows, element_shape=())),
        )
        return files.stack()

    def _table(self, num_steps: tf.Tensor) -> tf.Tensor:
        levels = voice_noise_levels(self._config, num_steps)
        return tf.cast(step_tables(levels, num_steps, self._sampler), tf.float32)

    def _block_frames(self, rows: tf.Tensor) -> tf.Tensor:
        per_second = self._config.frames_per_second
        shared = round(_BATCH_BLOCK_SECONDS * per_second) // tf.size(rows)
        # A block pays for the receptive field on both of its sides.
        least = 4 * receptive_field_frames(self._config.decoder)
        most = max(least, round(_BLOCK_SECONDS * per_second))
        return tf.clip_by_value(shared, least, most)


class _Untracked:
    """Hides an object from `tf.Module`, which would save all of it, and trace every
    function once more for it."""

    def __init__(self, value):
        self.value = value


def _signature(
    answer: Callable[..., Tensors],
    inputs: dict[str, tf.TensorSpec],
    checks: RequestChecks,
) -> tf.types.experimental.ConcreteFunction:
    function = tf.function(
        lambda **values: answer(**checks(values)),
        autograph=False,
    )
    specs = {
        name: tf.TensorSpec(spec.shape, spec.dtype, name)
        for name, spec in inputs.items()
    }
    return function.get_concrete_function(**specs)


def _function(function: Callable, *specs: tf.TensorSpec) -> Callable:
    return tf.function(function, input_signature=specs, autograph=False)


def _spec(dtype: tf.DType, *inner: int | None) -> tf.TensorSpec:
    return tf.TensorSpec((None, *inner), dtype)
