"""A small synthetic corpus in LJSpeech layout, with the TextGrids of an aligner.

Every phoneme sounds as its own pair of sines, so that a model can learn the corpus
and a test can find out which phoneme a stretch of audio is.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from wg2.config import Config
from wg2.text import symbols

# Each word as the CMU dictionary has it.
PRONUNCIATIONS = {
    "a": "AH0",
    "dog": "D AO1 G",
    "dogs": "D AO1 G Z",
    "five": "F AY1 V",
    "four": "F AO1 R",
    "good": "G UH1 D",
    "green": "G R IY1 N",
    "hello": "HH AH0 L OW1",
    "no": "N OW1",
    "one": "W AH1 N",
    "red": "R EH1 D",
    "three": "TH R IY1",
    "tree": "T R IY1",
    "two": "T UW1",
    "world": "W ER1 L D",
    "yes": "Y EH1 S",
}
SENTENCES = (
    "Hello, world.",
    "One two three.",
    "Four, five.",
    "A green tree!",
    "Yes. No.",
    "Good dog?",
    "Hello green world",
    "Red; green.",
    "No, a red dog.",
    "Two good dogs",
)
_PAUSES = frozenset(symbols.PAUSES)


def phoneme_frequencies_hz(phoneme: str) -> tuple[float, float]:
    """The two sines of a phoneme, below 4 kHz; no two phonemes share both."""
    i = symbols.PHONEMES.index(phoneme)
    return 300.0 + 150.0 * (i % 9), 1800.0 + 200.0 * (i // 9)


def textgrid(tiers: dict[str, Sequence[tuple[float, float, str]]]) -> str:
    """A TextGrid in the long text form."""
    end = max(intervals[-1][1] for intervals in tiers.values())
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', ""]
    lines += ["xmin = 0", f"xmax = {end}", "tiers? <exists>"]
    lines += [f"size = {len(tiers)}", "item []:"]
    for i, (name, intervals) in enumerate(tiers.items(), start=1):
        lines += [f"    item [{i}]:", '        class = "IntervalTier"']
        lines += [f'        name = "{name}"', "        xmin = 0"]
        lines += [f"        xmax = {end}"]
        lines += [f"        intervals: size = {len(intervals)}"]
        for j, (start, stop, label) in enumerate(intervals, start=1):
            lines += [f"        intervals [{j}]:", f"            xmin = {start}"]
            lines += [f"            xmax = {stop}", f'            text = "{label}"']
    return "\n".join(lines) + "\n"


def make_corpus(
    directory: str | Path,
    num_utterances: int = 8,
    sample_rate_hz: int = 8000,
    seed: int = 0,
) -> Path:
    """Writes `metadata.csv`, `wavs/` and `TextGrid/`; returns `directory`.

    The clips are called `utt-0000` and so on, and last about 0.5 to 1.5 s.
    """
    directory = Path(directory)
    for folder in ("wavs", "TextGrid"):
        (directory / folder).mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(seed)
    lines = []
    for i in range(num_utterances):
        id, text = f"utt-{i:04d}", SENTENCES[i % len(SENTENCES)]
        audio, tiers = _speak(text, sample_rate_hz, generator)
        soundfile.write(
            directory / "wavs" / f"{id}.wav", audio, sample_rate_hz, subtype="PCM_16"
        )
        (directory / "TextGrid" / f"{id}.TextGrid").write_text(
            textgrid(tiers), encoding="utf-8"
        )
        lines.append(f"{id}|{text}|{text}\n")
    (directory / "metadata.csv").write_text("".join(lines), encoding="utf-8")
    return directory


def build_dataset(corpus: str | Path, config: Config, output: str | Path = "") -> Path:
    """Builds the records of a corpus of `make_corpus`; returns their folder.

    Args:
        corpus: Folder of the corpus.
        config: Any config.
        output: By default `records` inside the corpus' folder.
    """
    from tfrecords_tools import build

    corpus = Path(corpus)
    output = Path(output) if output else corpus / "records"
    config_path = corpus / f"{config.name}.json"
    config.save(config_path)
    arguments = ["--config", config_path, "--input", corpus, "--output", output]
    arguments += ["--alignments", corpus / "TextGrid", "--workers", 1]
    assert build.main([str(argument) for argument in arguments]) == 0
    return output


def _speak(text: str, sample_rate_hz: int, generator) -> tuple[np.ndarray, dict]:
    """Audio of a sentence and its tiers; all times are whole milliseconds."""
    words, phones, now = [], [], 0

    def silence(low: int, high: int) -> None:
        nonlocal now
        end = now + int(generator.integers(low, high))
        phones.append((now / 1000, end / 1000, "sil"))
        words.append((now / 1000, end / 1000, ""))
        now = end

    silence(30, 90)
    spoken = text.lower().split()
    for i, word in enumerate(spoken):
        start = now
        for phone in PRONUNCIATIONS[word.strip(",;.?!")].split():
            low, high = (70, 140) if phone[-1].isdigit() else (40, 90)
            end = now + int(generator.integers(low, high))
            phones.append((now / 1000, end / 1000, phone))
            now = end
        words.append((start / 1000, now / 1000, word.strip(",;.?!")))
        if word[-1] in _PAUSES and i + 1 < len(spoken):
            silence(50, 120)
    silence(40, 110)

    audio = generator.normal(0.0, 0.002, now * sample_rate_hz // 1000)
    for start, end, phone in phones:
        if phone == "sil":
            continue
        first, last = (round(t * sample_rate_hz) for t in (start, end))
        times = np.arange(last - first) / sample_rate_hz
        low_hz, high_hz = phoneme_frequencies_hz(phone)
        # Faded over 5 ms, as a click would have every frequency.
        fade = np.clip(np.minimum(times, times[::-1]) / 0.005, 0.0, 1.0)
        tones = 0.2 * np.sin(2 * np.pi * low_hz * times)
        tones += 0.15 * np.sin(2 * np.pi * high_hz * times)
        audio[first:last] += (fade * tones)[: len(audio) - first]
    return audio, {"words": words, "phones": phones}
