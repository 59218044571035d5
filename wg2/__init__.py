"""wg2: text-to-speech with WaveGrad 2.

from wg2 import Synthesizer

voice = Synthesizer.load("voices/slt")
audio = voice("Hello world.", steps=50, seed=0)
"""

from __future__ import annotations

__version__ = "0.1.0"
__all__ = ["Synthesizer"]


def __getattr__(name: str):
    # Loads TensorFlow; the command lines' --help and the text front end need not.
    if name == "Synthesizer":
        from wg2.inference import Synthesizer

        return Synthesizer
    raise AttributeError(f"module 'wg2' has no attribute {name!r}")
