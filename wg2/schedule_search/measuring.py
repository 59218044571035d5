"""The values of candidates: how far their sound is from recordings. All are kept."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from wg2.diffusion.schedule import NoiseSchedule
from wg2.evaluation.combinations import betas_hash
from wg2.evaluation.distances import log_mel_l1
from wg2.evaluation.held_out import HeldOut
from wg2.evaluation.measures import recording_values
from wg2.evaluation.store import Values, append_line, read_lines
from wg2.inference import Synthesizer


class Measurements:
    """Speaks utterances by schedules, and keeps what was measured.

    Args:
        synthesizer: `Synthesizer`.
        sampler: See `wg2.diffusion.sampler`.
        seeds: Every utterance is spoken from the noise of each.
        path: A file of JSON lines, only for the same voice, records, sampler and
            seeds; made with the first value.
    """

    def __init__(
        self,
        synthesizer: Synthesizer,
        sampler: str,
        seeds: Sequence[int],
        path: Path,
    ):
        self.synthesizer = synthesizer
        self.sampler = sampler
        self.seeds = list(seeds)
        self.path = path
        self._known = read_lines(path)

    def log_mel_l1(
        self, schedule: NoiseSchedule, utterances: Sequence[HeldOut]
    ) -> float:
        """Mean over utterances and seeds, with the durations of the recordings."""
        return self._mean("log_mel_l1", schedule, utterances)

    def noise_floor_dbfs(
        self, schedule: NoiseSchedule, utterances: Sequence[HeldOut]
    ) -> float:
        """Mean over utterances and seeds, see `wg2.evaluation.pauses`."""
        return self._mean("noise_floor_dbfs", schedule, utterances)

    def knows(self, schedule: NoiseSchedule) -> bool:
        """Whether anything was measured by this schedule."""
        prefix = f"{betas_hash(schedule)} "
        return any(name.startswith(prefix) for name in self._known)

    def _mean(
        self, name: str, schedule: NoiseSchedule, utterances: Sequence[HeldOut]
    ) -> float:
        rows = [self._values(schedule, utterance)[name] for utterance in utterances]
        return float(np.mean(rows))

    def _values(self, schedule: NoiseSchedule, utterance: HeldOut) -> Values:
        name = f"{betas_hash(schedule)} {utterance.id}"
        if name not in self._known:
            values = {"id": name, "betas": schedule.betas.tolist()}
            values |= self._measure(schedule, utterance)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            append_line(self.path, values)
            self._known[name] = values
        return self._known[name]

    def _measure(self, schedule: NoiseSchedule, utterance: HeldOut) -> Values:
        config, count = self.synthesizer.config, len(self.seeds)
        spoken = self.synthesizer.speak_phonemes(
            [utterance.phoneme_ids] * count,
            [utterance.durations] * count,
            sampler=self.sampler,
            schedule=schedule,
            seed=self.seeds,
            speaker=None if utterance.speaker is None else [utterance.speaker] * count,
        )
        values: Values = {"log_mel_l1": [], "noise_floor_dbfs": []}
        for one in spoken:
            if not np.isfinite(one.audio).all():
                raise ValueError(
                    f"{utterance.id} by {schedule!r}: the voice's sound is not finite. "
                    "Its weights are at fault"
                )
            values["log_mel_l1"].append(
                log_mel_l1(
                    utterance.audio, one.audio, config.audio, config.samples_per_frame
                )
            )
            alone = recording_values(
                one.audio, utterance.phonemes, utterance.durations, config
            )
            values["noise_floor_dbfs"].append(alone["noise_floor_dbfs"])
        return values
