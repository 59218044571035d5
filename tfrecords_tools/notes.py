"""What was done to utterances that are kept, in lines for `dataset.json`."""

from __future__ import annotations

import collections
from collections.abc import Sequence

from tfrecords_tools.parts import Entry


def note_lines(entries: Sequence[Entry], sample_rate_hz: int) -> list[str]:
    """One line for each kind of thing, with the ids of the utterances.

    Args:
        entries: Of all records, in the order of the ids.
        sample_rate_hz: Of the records.
    """
    rates = collections.Counter(entry.notes["source_rate_hz"] for entry in entries)
    lines = [
        f"utterances resampled from {rate_hz} Hz to {sample_rate_hz} Hz: {count}"
        for rate_hz, count in sorted(rates.items())
        if rate_hz != sample_rate_hz
    ]
    channels = collections.Counter(entry.notes["num_channels"] for entry in entries)
    lines += [
        f"utterances of {number} channels, averaged: {count}"
        for number, count in sorted(channels.items())
        if number != 1
    ]
    trimmed = sum(entry.notes["trimmed_seconds"] for entry in entries)
    if trimmed:
        lines.append(f"silence cut off at the ends: {trimmed:.1f} s in all")
    num_clipped = sum(entry.notes["num_clipped"] for entry in entries)
    listed = {
        "num_clipped": f"utterances with clipped samples ({num_clipped} in all)",
        "kept_quieter": "utterances kept quieter than --loudness, so as not to clip",
        "num_mismatches": "utterances with words that differ between text and TextGrid "
        "(punctuation is kept where they agree)",
        "num_unknown_words": "utterances with words unknown to the aligner, pronounced "
        "by the front end with even durations",
    }
    for name, what in listed.items():
        ids = [entry.id for entry in entries if entry.notes[name]]
        if ids:
            lines.append(f"{what}: {len(ids)} ({', '.join(ids)})")
    return lines
