"""Speaks and measures every utterance in every way that is asked for."""

from __future__ import annotations

import contextlib
import functools
import time
from collections.abc import Callable, Sequence

import numpy as np
import tqdm

from wg2.evaluation import intelligibility
from wg2.evaluation.combinations import TRUE, Planned
from wg2.evaluation.held_out import HeldOut
from wg2.evaluation.measures import recording_values, synthesis_values
from wg2.evaluation.recognizer import Recognizer
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
        with_recognizer: bool; words and phones are heard beside the other measures.
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
        self.with_recognizer = with_recognizer

    def run(self, planned: Sequence[Planned], progress: bool | None = None) -> None:
        """Measures recordings and all combinations, and keeps the results.

        Args:
            planned: What to measure.
            progress: bool, whether to draw a bar; None: if standard error is a
                terminal.

        Raises:
            ValueError: If the voice's sound is not finite.
            OSError: If the recogniser died, or results cannot be kept.
        """
        recordings = self.store.recordings()
        results = [self.store.start(item.combination) for item in planned]
        done = len(recordings) + sum(map(len, results))
        total = len(self.utterances) * (len(planned) + 1)
        bar = tqdm.tqdm(
            desc="evaluate",
            total=total,
            initial=done,
            unit=" utterances",
            disable=None if progress is None else not progress,
            dynamic_ncols=True,
        )
        with contextlib.ExitStack() as stack:
            recognizer = None
            if self.with_recognizer and done < total:
                recognizer = stack.enter_context(Recognizer())
            stack.enter_context(bar)
            for utterance in self.utterances:
                if utterance.id not in recordings:
                    bar.set_postfix_str("recordings")
                    values = self._measure_recording(utterance, recognizer)
                    self.store.add_recording(values)
                    bar.update()
            for item, known in zip(planned, results, strict=True):
                bar.set_postfix_str(item.combination.name)
                for i, utterance in enumerate(self.utterances):
                    if utterance.id not in known:
                        self._evaluate(item, i, utterance, recognizer)
                        bar.update()

    def _evaluate(
        self,
        item: Planned,
        number: int,
        utterance: HeldOut,
        recognizer: Recognizer | None,
    ) -> None:
        config = self.synthesizer.config
        rate = config.audio.sample_rate_hz
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
        # Nothing may run beside the next synthesis, which is timed: the recogniser's
        # answer is awaited here.
        finish = _recognize(recognizer, utterance, spoken.audio, rate)
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
        values |= finish()
        self.store.add(
            item.combination,
            values,
            spoken.audio if number < self.listened else None,
            number,
            rate,
        )

    def _measure_recording(
        self, utterance: HeldOut, recognizer: Recognizer | None
    ) -> Values:
        config = self.synthesizer.config
        finish = _recognize(
            recognizer, utterance, utterance.audio, config.audio.sample_rate_hz
        )
        values = recording_values(
            utterance.audio, utterance.phonemes, utterance.durations, config
        )
        return {"id": utterance.id, **values, **finish()}


def _recognize(
    recognizer: Recognizer | None,
    utterance: HeldOut,
    audio: np.ndarray,
    sample_rate_hz: int,
) -> Callable[[], Values]:
    """Begins to hear a recording; what is returned waits for the values of it."""
    if recognizer is None:
        return dict
    recognizer.start(audio, sample_rate_hz)

    def finish() -> Values:
        heard = recognizer.result()
        words = intelligibility.plain_words(heard.words)
        word_errors, num_words = intelligibility.count_errors(
            intelligibility.reference_words(utterance.text), words
        )
        phone_errors, num_phones = intelligibility.count_errors(
            intelligibility.reference_phones(utterance.phonemes), heard.phones
        )
        return {
            "word_errors": word_errors,
            "num_words": num_words,
            "phone_errors": phone_errors,
            "num_phones": num_phones,
            "heard": " ".join(words),
        }

    return finish
