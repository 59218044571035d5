"""What one request to an exported voice may ask for."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from wg2.text.frontend import MAX_BYTES, MAX_PHONEMES


@dataclass(frozen=True)
class Limits:
    """Bounds on a request, so that none can fill the memory of a server.

    They are written to the export's `assets/serving.json`, and a refusal names the one
    that was passed.

    Args:
        max_rows: Rows of a request.
        max_text_bytes: UTF-8, of each row.
        max_phonemes: Of each row.
        max_total_phonemes: Rows times the longest of them.
        max_steps: Refinement steps.
        min_length_scale, max_length_scale: Of each row.
        max_seconds: Sound of each row.
        max_total_seconds: Rows times the longest of them.
    """

    max_rows: int = 64
    max_text_bytes: int = MAX_BYTES
    max_phonemes: int = MAX_PHONEMES
    max_total_phonemes: int = 65536
    max_steps: int = 1000
    min_length_scale: float = 0.1
    max_length_scale: float = 10.0
    max_seconds: float = 900.0
    max_total_seconds: float = 1800.0

    def to_dict(self) -> dict[str, float]:
        return dataclasses.asdict(self)
