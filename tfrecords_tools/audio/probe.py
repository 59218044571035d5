"""What a sound file says about itself, and whether it is whole.

Decoders read a file that was cut short up to where it ends, most without a word. So a
file must have as many frames as its header promises, an Ogg stream its last page.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import soundfile

from tfrecords_tools.utterance import SkipUtterance
from wg2.audio import wav

_OGG_PAGE_MAX = 65307  # bytes of the longest page


@dataclass(frozen=True)
class SoundFile:
    """Header of a sound file.

    Args:
        path: The file.
        format, subtype: As libsndfile names them ("WAV", "PCM_16").
        sample_rate_hz, num_channels, num_frames: A frame has a sample per channel.
    """

    path: Path
    format: str
    subtype: str
    sample_rate_hz: int
    num_channels: int
    num_frames: int

    def check_decoded(self, num_frames: int) -> None:
        """Raises SkipUtterance unless that many frames are all of the file."""
        if num_frames != self.num_frames:
            raise SkipUtterance(
                "truncated",
                f"its header promises {self.num_frames} samples, it has {num_frames}",
            )


def probe(path: Path) -> SoundFile:
    """Reads the header.

    Raises:
        SkipUtterance: If there is no such file, or it is unreadable, empty or
            visibly truncated.
    """
    if not path.is_file():
        raise SkipUtterance("missing audio", str(path))
    try:
        wav.check_complete(path)
        info = soundfile.info(str(path))
    except (ValueError, OSError, soundfile.SoundFileError) as error:
        raise unreadable(error, path) from None
    if info.format == "OGG":
        _check_last_page(path)
    if info.frames == 0:
        raise SkipUtterance("empty audio")
    return SoundFile(
        path, info.format, info.subtype, info.samplerate, info.channels, info.frames
    )


def unreadable(error: Exception, path: Path) -> SkipUtterance:
    """The skip for an error of a decoder: "truncated" and "unreadable" say so."""
    message = " ".join(str(error).split()).removeprefix(f"{path}: ")
    message = message.replace(f"Error opening '{path}': ", "")
    kind, _, details = message.partition(": ")
    if kind not in ("truncated", "unreadable"):
        kind, details = "unreadable", message
    return SkipUtterance(kind, details)


def _check_last_page(path: Path) -> None:
    """An Ogg stream ends with a whole page that says it is the last one."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        file.seek(max(0, size - _OGG_PAGE_MAX))
        tail = file.read()
    at = tail.rfind(b"OggS")
    page = tail[at:]
    whole = at >= 0 and len(page) >= 27 and len(page) >= 27 + page[26]
    if whole:
        segments = page[27 : 27 + page[26]]
        whole = len(page) >= 27 + len(segments) + sum(segments)
    if not whole or not page[5] & 4:
        raise SkipUtterance("truncated", "the last page of its Ogg stream is missing")
