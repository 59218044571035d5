"""A voice's model cut into the functions that phones run, one utterance at a time."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import tensorflow as tf

from export.mobile import package
from wg2 import generation
from wg2.diffusion.noise import standard_normal
from wg2.diffusion.sampler import NUM_COLUMNS, refine
from wg2.layers.convolution import Convolution
from wg2.models.receptive_field import receptive_field_frames
from wg2.models.wavegrad2 import WaveGrad2
from wg2.text.graph_words import GraphGru


class Function(NamedTuple):
    """What becomes a flat file.

    Args:
        name: One of `package.MODELS`.
        compute: Tensors, as `inputs` has them, to a tuple of tensors.
        inputs: With names. The batch is 1.
        outputs: Names.
        has_decoder: bool, whether the decoder is in it.
    """

    name: str
    compute: Callable[..., tuple[tf.Tensor, ...]]
    inputs: tuple[tf.TensorSpec, ...]
    outputs: tuple[str, ...]
    has_decoder: bool = False

    def traced(self):
        """The function as a graph."""
        function = tf.function(
            self.compute, input_signature=self.inputs, autograph=False
        )
        return function.get_concrete_function()


def mobile_functions(model: WaveGrad2, window_frames: int) -> tuple[Function, ...]:
    """All functions of a model but the one for unknown words.

    Args:
        model: Its convolutions are changed to what converts well; synthesis with it
            stays the same.
        window_frames: int, frames that `decoder_window` sees.
    """
    _use_native_convolutions(model)
    decoder = model.decoder
    samples_per_frame = decoder.samples_per_frame
    channels = model.encoder.output_channels
    block_frames = max(1, round(package.BLOCK_SECONDS * model.config.frames_per_second))
    several_speakers = model.config.text.num_speakers > 1

    def encode(phoneme_ids, pauses_seconds, length_scale, *speaker_id):
        features, durations = generation.encode_text(
            model,
            phoneme_ids,
            tf.shape(phoneme_ids)[1:],
            length_scale,
            speaker_id[0] if several_speakers else None,
            pauses_seconds,
        )
        return features, durations

    def upsample(features, durations, first_frame, num_frames):
        frames, _ = model.upsample(
            features,
            durations,
            tf.shape(durations)[1:],
            num_frames=num_frames[0],
            first_frame=first_frame,
        )
        return (frames,)

    def decode(audio, frames, noise_level):
        return (decoder(audio, frames, noise_level),)

    def decode_window(audio, frames, mask, noise_level):
        return (decoder(audio, frames, noise_level, mask),)

    def noise(seed, draw, first_sample, num_samples):
        return (standard_normal(seed, draw, num_samples[0], first_sample),)

    def speak(*inputs):
        *text, seed, table = inputs
        features, durations = encode(*text)
        num_frames = tf.maximum(tf.reduce_sum(durations, axis=-1), 1)
        frames = _upsample_in_blocks(model, features, durations, num_frames[0])
        audio = refine(
            lambda audio, level, step: _decode_in_blocks(
                decoder, audio, frames, level, block_frames
            ),
            table,
            seed,
            num_frames[0] * samples_per_frame,
        )
        return audio, durations

    def spec(name, dtype, *shape):
        return tf.TensorSpec((1, *shape), dtype, name)

    text = (
        spec("phoneme_ids", tf.int32, None),
        spec("pauses_seconds", tf.float32, None),
        spec("length_scale", tf.float32),
        *((spec("speaker_id", tf.int32),) if several_speakers else ()),
    )
    durations = spec("durations", tf.int32, None)
    level = spec("noise_level", tf.float32)
    num_samples = window_frames * samples_per_frame
    return (
        Function(package.ENCODER, encode, text, ("features", "durations")),
        Function(
            package.UPSAMPLER,
            upsample,
            (
                spec("features", tf.float32, None, channels),
                durations,
                spec("first_frame", tf.int32),
                spec("num_frames", tf.int32),
            ),
            ("frames",),
        ),
        Function(
            package.DECODER,
            decode,
            (
                spec("audio", tf.float32, None),
                spec("frames", tf.float32, None, channels),
                level,
            ),
            ("noise",),
            has_decoder=True,
        ),
        Function(
            package.DECODER_WINDOW,
            decode_window,
            (
                spec("audio", tf.float32, num_samples),
                spec("frames", tf.float32, window_frames, channels),
                spec("mask", tf.float32, window_frames),
                level,
            ),
            ("noise",),
            has_decoder=True,
        ),
        Function(
            package.NOISE,
            noise,
            (
                spec("seed", tf.int64),
                spec("draw", tf.int32),
                spec("first_sample", tf.int32),
                spec("num_samples", tf.int32),
            ),
            ("noise",),
        ),
        Function(
            package.SPEECH,
            speak,
            (
                *text,
                spec("seed", tf.int64),
                spec("table", tf.float32, None, NUM_COLUMNS),
            ),
            ("audio", "durations"),
            has_decoder=True,
        ),
    )


def _upsample_in_blocks(model, features, durations, num_frames) -> tf.Tensor:
    """All frames of one utterance; weighing all of them against all phonemes at once
    would take memory by the square of its length."""
    resampler, lengths = model.resampler, tf.shape(durations)[1:]
    ranges = resampler.predict_ranges(features, durations, lengths)

    def step(first, joined):
        end = tf.minimum(first + package.FRAMES_AT_A_TIME, num_frames)
        frames, _ = resampler.upsample(
            features,
            durations,
            ranges,
            lengths,
            num_frames=end - first,
            first_frame=first[None],
        )
        return end, tf.concat([joined, frames], axis=1)

    channels = features.shape[2]
    _, joined = tf.while_loop(
        lambda first, _: first < num_frames,
        step,
        (0, tf.zeros([1, 0, channels])),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([1, None, channels])),
    )
    return joined


def _decode_in_blocks(decoder, audio, frames, level, block_frames: int) -> tf.Tensor:
    """`decoder(audio, frames, level)` of one utterance, a block after the other, so
    that memory does not grow with its length.

    Beyond its ends there is nothing, as the decoder wants it: no mask, which
    `wg2.generation` needs for its batches, and which costs phones a sixth of the time.
    """
    size, margin = decoder.samples_per_frame, receptive_field_frames(decoder.config)
    num_frames = tf.shape(frames)[1]

    def step(first, joined):
        end = tf.minimum(first + block_frames, num_frames)
        low = tf.maximum(first - margin, 0)
        high = tf.minimum(end + margin, num_frames)
        noise = _in_a_graph_of_its_own(
            lambda audio, frames: decoder(audio, frames, level),
            audio[:, low * size : high * size],
            frames[:, low:high],
        )
        inner = noise[:, (first - low) * size : (end - low) * size]
        return end, tf.concat([joined, inner], axis=1)

    _, joined = tf.while_loop(
        lambda first, _: first < num_frames,
        step,
        (0, tf.zeros([1, 0])),
        shape_invariants=(tf.TensorShape([]), tf.TensorShape([1, None])),
    )
    return joined


def _in_a_graph_of_its_own(compute, audio, frames) -> tf.Tensor:
    """`compute(audio, frames)`, as long as `audio`, in the body of a loop that runs
    once. A body is prepared when the shapes of what goes in are known; after a slice
    in the same graph they are not, and XNNPACK leaves everything that follows alone."""
    _, computed, _ = tf.while_loop(
        lambda i, *_: i < 1,
        lambda i, audio, frames: (i + 1, compute(audio, frames), frames),
        (0, audio, frames),
        shape_invariants=(
            tf.TensorShape([]),
            tf.TensorShape([1, None]),
            tf.TensorShape([1, None, frames.shape[2]]),
        ),
    )
    return computed


def g2p_function() -> Function:
    """Letters of an unknown word to phonemes: `wg2.text.g2p`.

    Raises:
        FileNotFoundError: If g2p_en is not installed.
    """
    gru = GraphGru()

    def predict(letters):
        return (gru.predict(letters, tf.shape(letters)[1:]),)

    letters = tf.TensorSpec((1, None), tf.int32, "letters")
    return Function(package.G2P, predict, (letters,), ("phonemes",))


def _use_native_convolutions(model: WaveGrad2) -> None:
    """Keras turns a dilation into a rearrangement around a plain convolution on CPUs,
    which costs phones more than twice the time; flat files have dilations."""

    def convolve(x, kernel, dilation):
        return tf.nn.conv2d(
            x, kernel, strides=1, padding="SAME", dilations=(1, dilation)
        )

    for layer in model._flatten_layers():
        if isinstance(layer, Convolution):
            layer.convolve = convolve
