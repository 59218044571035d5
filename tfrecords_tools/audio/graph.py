"""Decoding and resampling by tensorflow-io, inside a `tf.data` graph.

Measured with tensorflow-io 0.37.1 (`tests/records/test_audio.py` holds it to this):

- WAV of 8, 16, 24 bits and 32-bit float, FLAC of 16 and 24 bits: the same samples as
  libsndfile's, bit for bit. MP3 and Vorbis: within 1.5e-6 of full scale, no delay.
- Wrong, so left to libsndfile: WAV of 32-bit integers (their bits come back as floats)
  and of 64-bit floats, FLAC of 8 bits (signed samples come back as unsigned), Opus; and
  WAV with a chunk of odd length before its data, of which it reads no sample at all.
- `resample` is late by 32 samples of the new rate, which `resample` here makes good. It
  loses 2.3 dB at 90 % and 16 dB at 95 % of the band (soxr: 0.01 and 2.8 dB), leaves
  aliases at -87 dB (soxr: -135 dB), and takes 26 times the CPU. So soxr is the default.
"""

from __future__ import annotations

import math

import numpy as np
import tensorflow as tf
import tensorflow_io as tfio

from tfrecords_tools.audio.probe import SoundFile

KINDS = (
    ("WAV", "PCM_U8"),
    ("WAV", "PCM_16"),
    ("WAV", "PCM_24"),
    ("WAV", "FLOAT"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("MP3", "MPEG_LAYER_III"),
    ("OGG", "VORBIS"),
)
"""What tensorflow-io reads right."""


def kind_of(file: SoundFile) -> int | None:
    """Position in `KINDS`; None for what tensorflow-io does not read right."""
    # WAVEX is WAV with a longer header.
    kind = ("WAV" if file.format == "WAVEX" else file.format, file.subtype)
    return KINDS.index(kind) if kind in KINDS else None


def _decode(data: tf.Tensor, kind: int) -> tf.Tensor:
    """float32 `(frames, channels)` of a file's bytes."""
    container, subtype = KINDS[kind]
    if container == "MP3":
        return tfio.audio.decode_mp3(data)
    if container == "OGG":
        return tfio.audio.decode_vorbis(data)
    decode = tfio.audio.decode_wav if container == "WAV" else tfio.audio.decode_flac
    if subtype == "FLOAT":
        return decode(data, dtype=tf.float32)
    if subtype == "PCM_U8":
        return (tf.cast(decode(data, dtype=tf.uint8), tf.float32) - 128.0) / 128.0
    if subtype == "PCM_16":
        return tf.cast(decode(data, dtype=tf.int16), tf.float32) / 2.0**15
    # The 24 bits are the upper ones of 32, so that float32 holds them exactly.
    return tf.cast(decode(data, dtype=tf.int32), tf.float32) / 2.0**31


@tf.function(
    input_signature=[tf.TensorSpec((), tf.string), tf.TensorSpec((), tf.int32)]
)
def load_mono(path: tf.Tensor, kind: tf.Tensor) -> tf.Tensor:
    """float32 `(frames,)`, the mean of the channels of the file at `path`."""
    data = tf.io.read_file(path)
    branches = [lambda i=i: _decode(data, i) for i in range(len(KINDS))]
    return tf.reduce_mean(tf.switch_case(kind, branches), axis=1)


def decoded(files: list[SoundFile], num_parallel_calls: int = 2) -> tf.data.Dataset:
    """The mono samples of files of `KINDS`, in order.

    A file that tensorflow-io cannot read raises `tf.errors.OpError` in its turn; the
    iterator then goes on with the next one.
    """
    paths = [str(file.path) for file in files]
    kinds = np.array([kind_of(file) for file in files], np.int32)
    dataset = tf.data.Dataset.from_tensor_slices((paths, kinds))
    options = tf.data.Options()
    # One of several processes: it must not take all cores for itself.
    options.threading.private_threadpool_size = num_parallel_calls
    return dataset.map(
        load_mono, num_parallel_calls=num_parallel_calls, deterministic=True
    ).with_options(options)


def resample(audio: np.ndarray, source_rate_hz: int, sample_rate_hz: int) -> np.ndarray:
    """Audio at a lower rate, by tensorflow-io without its delay.

    Args:
        audio: float32 `(samples,)`.
        source_rate_hz: int > `sample_rate_hz`.
        sample_rate_hz: int > 0.

    Returns:
        float32 `(ceil(samples * sample_rate_hz / source_rate_hz),)`.
    """
    common = math.gcd(source_rate_hz, sample_rate_hz)
    step, new_step = source_rate_hz // common, sample_rate_hz // common
    # Its filter (Speex, quality 4) has 64 taps of the new rate, rounded up to whole
    # eights, and is not centred: output m is input m * step / new_step - delay.
    delay = -(-(64 * step // new_step) // 8) * 8 // 2
    before = -delay % step  # now the delay is a whole number of output samples
    late = (delay + before) // step * new_step
    size = -(-len(audio) * new_step // step)
    after = -(-(late + size) * step // new_step) + step - before - len(audio)
    padded = np.pad(audio, (before, max(after, 0)))
    resampled = _resample(padded[:, None], source_rate_hz, sample_rate_hz)
    return resampled.numpy()[late : late + size, 0]


@tf.function(
    input_signature=[
        tf.TensorSpec((None, 1), tf.float32),
        tf.TensorSpec((), tf.int64),
        tf.TensorSpec((), tf.int64),
    ]
)
def _resample(audio: tf.Tensor, rate_in: tf.Tensor, rate_out: tf.Tensor) -> tf.Tensor:
    return tfio.audio.resample(audio, rate_in, rate_out)
