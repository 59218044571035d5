"""What aligner and recogniser have in common: pocketsphinx's English acoustic model.

pocketsphinx is imported where it is used, so that commands can say that it is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import pocketsphinx

SAMPLE_RATE_HZ = 16000
"""That of the acoustic model."""


def require_pocketsphinx(user: str) -> None:
    """Says what to install, before work is done in vain.

    Args:
        user: What needs it, such as "the aligner".

    Raises:
        ValueError: If pocketsphinx cannot be imported.
    """
    try:
        import pocketsphinx  # noqa: F401
    except ImportError:
        raise ValueError(
            f"{user} needs the package pocketsphinx: pip install pocketsphinx"
        ) from None


def decode(decoder: pocketsphinx.Decoder, samples: np.ndarray) -> None:
    """Has a decoder hear a whole utterance.

    Args:
        decoder: Of `SAMPLE_RATE_HZ`.
        samples: int16 `(samples,)`, at least one.

    Raises:
        RuntimeError: If the decoder finds no way through.
    """
    decoder.start_utt()
    decoder.process_raw(samples.astype("<i2").tobytes(), full_utt=True)
    decoder.end_utt()
