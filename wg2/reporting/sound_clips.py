"""Short recordings in a form that every browser plays, as text for a page."""

from __future__ import annotations

import base64
import io

import numpy as np
import soundfile

_MP3_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)


def data_uri(audio: np.ndarray, sample_rate_hz: int) -> str:
    """The recording as a `data:` URI.

    MP3 is what all browsers play, Safari included, which learnt Ogg only in version
    18.4, at a tenth of the size of WAV. Rates that MP3 does not have, and old versions
    of libsndfile without MP3, get FLAC: five times the size, but almost as widely
    played.

    Args:
        audio: int16 `(samples,)`.
        sample_rate_hz: int > 0.
    """
    buffer = io.BytesIO()
    mp3 = sample_rate_hz in _MP3_RATES_HZ and "MP3" in soundfile.available_formats()
    kind, subtype = ("MP3", "MPEG_LAYER_III") if mp3 else ("FLAC", "PCM_16")
    soundfile.write(buffer, audio, sample_rate_hz, format=kind, subtype=subtype)
    mime = "audio/mpeg" if mp3 else "audio/flac"
    return f"data:{mime};base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
