"""The package of a voice for phones: one folder, described by `voice.json`.

Without TensorFlow: what speaks from a package uses it, too.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VOICE_FILE = "voice.json"
FORMAT = "wg2-mobile-voice"
FORMAT_VERSION = 1

ENCODER, UPSAMPLER, DECODER = "encoder", "upsampler", "decoder"
DECODER_WINDOW, NOISE, SPEECH, G2P = "decoder_window", "noise", "speech", "g2p"
MODELS = (ENCODER, UPSAMPLER, DECODER, DECODER_WINDOW, NOISE, SPEECH, G2P)

SPLIT, WINDOWS, SINGLE = "split", "windows", "single"
MODES = (SPLIT, WINDOWS, SINGLE)
"""What a program may use: one model after the other, the same with the decoder of fixed
size, or all in one."""

FLOAT32, FLOAT16, INT8, INT8_WEIGHTS = "float32", "float16", "int8", "int8-weights"
PRECISIONS = (FLOAT32, FLOAT16, INT8, INT8_WEIGHTS)

DICTIONARY_FILE = "dictionary.bin"
HOMOGRAPHS_FILE = "homographs.json"
LEXICON_FILE = "lexicon.txt"
README_FILE = "README.md"

SIGNATURE = "serving_default"
"""The one signature of every model, by which its inputs and outputs have names."""

BLOCK_SECONDS = 5.0
"""Of sound that the decoder sees at a time: it bounds the memory."""

FRAMES_AT_A_TIME = 400
"""That are weighed against all phonemes of an utterance."""

_FACTS = {
    "sample_rate_hz": int,
    "samples_per_frame": int,
    "phonemes": list,
    "speakers": list,
    "margin_frames": int,
    "window_frames": int,
    "default_steps": int,
    "columns": list,
    "tables": dict,
    "models": dict,
    "files": dict,
}


def file_of(model: str) -> str:
    return f"{model}.tflite"


@dataclass(frozen=True)
class Package:
    """A package that was read.

    Args:
        folder: Where it is.
        facts: What `voice.json` says.
    """

    folder: Path
    facts: dict[str, Any]

    @classmethod
    def load(cls, folder: str | Path) -> Package:
        """Reads `voice.json`.

        Raises:
            FileNotFoundError: If there is none.
            ValueError: If it is not a package's, or of another version.
        """
        folder = Path(folder)
        path = folder / VOICE_FILE
        if not path.is_file():
            raise FileNotFoundError(
                f"No {VOICE_FILE} in {folder}. Expected a package that "
                "`python -m export.tflite` wrote"
            )
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise ValueError(f"{path} is not JSON: {error}") from None
        if not isinstance(facts, dict) or facts.get("format") != FORMAT:
            raise ValueError(f"{path} does not describe a wg2 package for phones")
        version = facts.get("format_version")
        if version != FORMAT_VERSION:
            raise ValueError(
                f"{path} has format version {version}, this program reads "
                f"{FORMAT_VERSION}. Export the voice again"
            )
        for name, kind in _FACTS.items():
            if not isinstance(facts.get(name), kind):
                raise ValueError(f"{path} lacks {name!r}, or it is no {kind.__name__}")
        for name in ("sample_rate_hz", "samples_per_frame"):
            if facts[name] < 1:
                raise ValueError(f"{path} has {name!r} {facts[name]}, not above 0")
        for steps, table in facts["tables"].items():
            if not isinstance(table, dict) or set(table) != set(facts["columns"]):
                raise ValueError(f"{path} has no complete table for {steps} steps")
        return cls(folder, facts)

    @property
    def samples_per_frame(self) -> int:
        return self.facts["samples_per_frame"]

    @property
    def frames_per_second(self) -> float:
        return self.facts["sample_rate_hz"] / self.samples_per_frame

    def path(self, name: str) -> Path:
        """A file of the package, after a look at whether it is whole.

        Raises:
            FileNotFoundError, ValueError: It is missing, or not what was exported.
        """
        path = self.folder / name
        if name not in self.facts["files"] or not path.is_file():
            raise FileNotFoundError(
                f"No {name} in {self.folder}. Export the voice again, or copy all of "
                "its files"
            )
        if sha256(path) != self.facts["files"][name].get("sha256"):
            raise ValueError(f"{path} is damaged, or from another export")
        return path


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
