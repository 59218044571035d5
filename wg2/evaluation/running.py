"""Speaks and measures every utterance in every way that is asked for."""

from __future__ import annotations

import functools
import time
from collections.abc import Sequence

import numpy as np
import tqdm

from wg2.evaluation import intelligibility
from wg2.evaluation.combinations import TRUE, Planned
from wg2.evaluation.held_out import HeldOut
from wg2.evaluation.measures import recording_values, synthesis_values
from wg2.evaluation.store import Store, Values
from wg2.inference import Synthesizer


class Evaluation:
    """Measures what a store does not have yet.

    Args:
        synthesizer: `Synthesizer`.
        utterances: What to say, and how it was said.
        store: Where results are kept.
        seed: int; utterance `i` is made from the noise of `seed + i`.
        listened: int, of how many utterances the sound is kept.
        with_recognizer: bool.
    """

    def __init__(
        self,
        synthesizer: Synthesizer,
        utterances: Sequence[HeldOut],
        store: Store,
        seed: int,
        listened: int,
        with_recognizer: bool,
    ):
        self.synthesizer = synthesizer
        self.utterances = utterances
        self.store = store
        self.seed = seed
        self.listened = listened
        self._recognizer = None
        if with_recognizer:
            self._recognizer = intelligibility.Recognizer()

    def run(self, planned: Sequence[Planned], progress: bool | None = None) -> None:
        """Measures recordings and all combinations, and keeps the results.

        Args:
            planned: What to measure.
            progress: bool, whether to draw a bar; None: if standard error is a
                terminal.
        """
        recordings = self.store.recordings()
        results = [self.store.start(item.combination) for item in planned]
        done = len(recordings) + sum(map(len, results))
        bar = tqdm.tqdm(
            desc="evaluate",
            total=len(self.utterances) * (len(planned) + 1),
            initial=done,
            unit=" utterances",
            disable=None if progress is None else not progress,
            dynamic_ncols=True,
        )
        with bar:
            for utterance in self.utterances:
                if utterance.id not in recordings:
                    bar.set_postfix_str("recordings")
                    self.store.add_recording(self._measure_recording(utterance))
                    bar.update()
            for item, known in zip(planned, results, strict=True):
                bar.set_postfix_str(item.combination.name)
                for i, utterance in enumerate(self.utterances):
                    if utterance.id not in known:
                        self._evaluate(item, i, utterance)
                        bar.update()

    def _evaluate(self, item: Planned, number: int, utterance: HeldOut) -> None:
        config = self.synthesizer.config
        same_time = item.combination.durations == TRUE
        durations = [utterance.durations] if same_time else None
        speak = functools.partial(
            self.synthesizer.speak_phonemes,
            [utterance.phoneme_ids],
            durations,
            sampler=item.combination.sampler,
            seed=self.seed + number,
            speaker=None if utterance.speaker is None else [utterance.speaker],
        )
        # Graphs, and convolutions for every new length, are prepared once: the first
        # combination would look slower than those after it.
        speak(steps=1)
        started = time.monotonic()
        (spoken,) = speak(schedule=item.schedule)
        seconds = time.monotonic() - started
        if not np.isfinite(spoken.audio).all():
            raise ValueError(
                f"{utterance.id} as {item.combination.name}: the voice's sound is not "
                "finite. Its weights or that schedule are at fault"
            )
        values: Values = {"id": utterance.id, "synthesis_seconds": seconds}
        values |= synthesis_values(
            utterance.audio,
            spoken.audio,
            utterance.phonemes,
            utterance.durations,
            spoken.durations,
            config,
            same_time,
        )
        values |= self._recognize(utterance, spoken.audio)
        self.store.add(
            item.combination,
            values,
            spoken.audio if number < self.listened else None,
            number,
            config.audio.sample_rate_hz,
        )

    def _measure_recording(self, utterance: HeldOut) -> Values:
        return {
            "id": utterance.id,
            **recording_values(
                utterance.audio,
                utterance.phonemes,
                utterance.durations,
                self.synthesizer.config,
            ),
            **self._recognize(utterance, utterance.audio),
        }

    def _recognize(self, utterance: HeldOut, audio) -> Values:
        if self._recognizer is None:
            return {}
        rate = self.synthesizer.sample_rate_hz
        started = time.monotonic()
        words = self._recognizer.words(audio, rate)
        phones = self._recognizer.phones(audio, rate)
        word_errors, num_words = intelligibility.count_errors(
            intelligibility.reference_words(utterance.text), words
        )
        phone_errors, num_phones = intelligibility.count_errors(
            intelligibility.reference_phones(utterance.phonemes), phones
        )
        return {
            "word_errors": word_errors,
            "num_words": num_words,
            "phone_errors": phone_errors,
            "num_phones": num_phones,
            "heard": " ".join(words),
            "recognition_seconds": time.monotonic() - started,
        }
