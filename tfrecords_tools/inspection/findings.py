"""What `validate` looks for, and what it found."""

from __future__ import annotations

import collections
import dataclasses
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass

from wg2.data.schema import RECORD_ERRORS

ERRORS = {
    "missing-shard": "dataset.json lists a file that is not there",
    "damaged-shard": "a file is not the one that was written",
    "shard-count": "a file has more or fewer records than dataset.json says",
    **RECORD_ERRORS,
    "padding": "the padding symbol stands among the phonemes",
    "all-zero": "every sample is zero",
    "duplicate-id": "several records of a split have one id",
    "id-in-both-splits": "an utterance of training is validation, too",
    "audio-in-both-splits": "training and validation share a recording",
    "dataset-figures": "dataset.json and the records disagree on a figure",
    "dataset-config": "dataset.json contradicts the config in it",
}
"""The data is wrong. Check -> what it finds."""

WARNINGS = {
    "unlisted-file": "a file that nothing reads",
    "empty-validation": "no utterance to validate with",
    "empty-text": "an utterance without its text",
    "duplicate-audio": "one recording under several ids",
    "text-in-both-splits": "a speaker says the same text in both splits",
    "nearly-silent": "the whole utterance is very quiet",
    "silence-at-ends": "long silence before or after the speech",
    "silence-inside": "long silence within the speech",
    "clipping": "runs of samples at full scale",
    "dc-offset": "the waveform is not centred on zero",
    "zero-phoneme": "a speech sound of no frames",
    "long-phoneme": "a speech sound of absurd length",
    "sound-in-pause": "a pause that is as loud as speech: words not in the text?",
    "speaking-rate": "far too fast or too slow: another text or language?",
    "validation-phoneme": "a phoneme of validation that training never has",
    "unseen-phoneme": "a phoneme of the inventory that no record has",
    "unheard-speaker": "a speaker without utterances in training",
}
"""Worth listening to. Check -> what it finds."""

CHECKS = {**ERRORS, **WARNINGS}


@dataclass(frozen=True)
class Limits:
    """From where on something is worth a warning.

    Args:
        end_silence_seconds, inner_silence_seconds: Silence of the audio.
        phoneme_seconds: Length of one speech sound.
        full_scale_samples: Run of samples at full scale; shorter ones can be chance.
        dc_offset: Mean sample, full scale = 1.
        quiet_dbfs: RMS of an utterance.
        pause_db: Level of a pause, relative to the speech sounds around it.
        slowest, fastest: Speech sounds per second of speech; people speak English
            with 8 to 20.
        rate_factor: How far the rate may be from the corpus' median.
        rate_phonemes: The rate of fewer sounds says little.
    """

    end_silence_seconds: float = 1.0
    inner_silence_seconds: float = 1.5
    phoneme_seconds: float = 1.0
    full_scale_samples: int = 3
    dc_offset: float = 0.005
    quiet_dbfs: float = -50.0
    pause_db: float = -6.0
    slowest: float = 5.0
    fastest: float = 25.0
    rate_factor: float = 1.75
    rate_phonemes: int = 10

    def override(self, *assignments: str) -> Limits:
        """Of texts like `phoneme_seconds=1.5`.

        Raises:
            ValueError: If there is no such limit, or no such number.
        """
        kinds = {field.name: field.type for field in dataclasses.fields(self)}
        values = {}
        for assignment in assignments:
            name, _, value = assignment.partition("=")
            if name not in kinds:
                raise ValueError(
                    f"--limit wants one of {', '.join(kinds)}. Received: {assignment}"
                )
            try:
                values[name] = int(value) if kinds[name] == "int" else float(value)
                if math.isnan(values[name]):  # compares with nothing: no check at all
                    raise ValueError("not a number")
            except ValueError:
                raise ValueError(
                    f"--limit {name} wants a number. Received: {assignment}"
                ) from None
        return dataclasses.replace(self, **values)


@dataclass(frozen=True)
class Finding:
    """One thing that one check found. Fields that do not apply are empty."""

    check: str
    message: str
    id: str = ""
    split: str = ""
    shard: str = ""

    @property
    def level(self) -> str:
        return "error" if self.check in ERRORS else "warning"


class Findings:
    """Counts findings and keeps the first of each check.

    Args:
        ignored: Checks whose findings are dropped.
        sink: Called with every finding that counts.
        num_examples: int, findings kept of each check.

    Raises:
        ValueError: If `ignored` names no check.
    """

    def __init__(
        self,
        ignored: Collection[str] = (),
        sink: Callable[[Finding], None] | None = None,
        num_examples: int = 5,
    ):
        for check in ignored:
            if check not in CHECKS:
                raise ValueError(f"no check {check!r}; there are {', '.join(CHECKS)}")
        self._ignored = frozenset(ignored)
        self._sink = sink
        self._num_examples = num_examples
        self.counts: collections.Counter[str] = collections.Counter()
        self.examples: dict[str, list[Finding]] = collections.defaultdict(list)
        self.notes: list[str] = []
        """What could not be checked, and why."""

    def add(self, check: str, message: str, **where: str) -> None:
        """`where` is `id`, `split` and `shard` of a `Finding`, as far as they apply."""
        if check not in CHECKS:
            raise KeyError(check)
        if check in self._ignored:
            return
        finding = Finding(check, message, **where)
        self.counts[check] += 1
        if len(self.examples[check]) < self._num_examples:
            self.examples[check].append(finding)
        if self._sink:
            self._sink(finding)

    @property
    def num_errors(self) -> int:
        return sum(n for check, n in self.counts.items() if check in ERRORS)

    @property
    def num_warnings(self) -> int:
        return sum(n for check, n in self.counts.items() if check in WARNINGS)
