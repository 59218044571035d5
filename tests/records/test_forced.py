"""The forced aligner on real speech, against the Montreal Forced Aligner's times."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tfrecords_tools.alignment import confidence, forced, textgrid, words
from tfrecords_tools.alignment.confidence import DEFAULT_LIMITS, longest_uncovered
from tfrecords_tools.audio import reading
from tfrecords_tools.utterance import SkipUtterance
from wg2.audio import wav
from wg2.text.frontend import Frontend, Word

CORPUS = Path(__file__).parent / "ljspeech"
TEXTS = {
    "LJ001-0008": "has never been surpassed.",
    "LJ001-0020": 'the "lower-case" being in fact invented in the early Middle Ages.',
}
SECOND = 16000


def samples(id):
    path = CORPUS / "wavs" / f"{id}.flac"
    return wav.to_int16(reading.read(path, SECOND).audio)[0]


def spoken(text):
    return Frontend().transcribe(text).words


def pronounced(label, *pronunciations):
    return Word(label, tuple(tuple(p.split()) for p in pronunciations))


@pytest.fixture(scope="module", params=TEXTS)
def aligned(request):
    """Id, the words asked for, and their alignment."""
    said = spoken(TEXTS[request.param])
    return request.param, said, forced.align(samples(request.param), said)


def test_boundaries_are_near_those_of_another_aligner(aligned):
    id, _, alignment = aligned
    reference = words.align_words(textgrid.read(CORPUS / "TextGrid" / f"{id}.TextGrid"))
    assert [w.word.label for w in alignment.words] == [w.label for w in reference]
    errors, phone_errors = [], []
    for ours, theirs in zip(alignment.words, reference, strict=True):
        errors.append(ours.word.start_seconds - theirs.start_seconds)
        errors.append(ours.word.end_seconds - theirs.end_seconds)
        if len(ours.word.phones) == len(theirs.phones):
            pairs = zip(ours.word.phones, theirs.phones, strict=True)
            phone_errors += [a.start_seconds - b.start_seconds for a, b in pairs]
    assert np.mean(np.abs(errors)) < 0.02
    assert np.mean(np.abs(phone_errors)) < 0.025
    assert len(phone_errors) > 10
    # A boundary lies between the middles of two windows, not where one begins.
    assert abs(np.mean(phone_errors)) < 0.006
    assert np.max(np.abs(errors)) < 0.15


def test_phones_are_those_of_one_pronunciation_with_its_stress(aligned):
    _, said, alignment = aligned
    for word, found in zip(said, alignment.words, strict=True):
        labels = tuple(phone.label for phone in found.word.phones)
        assert labels in word.pronunciations


def test_tiers_go_from_start_to_end_and_read_back(aligned, tmp_path):
    id, said, alignment = aligned
    grid = alignment.grid()
    assert grid.end_seconds == len(samples(id)) / SECOND
    textgrid.write(tmp_path / "a.TextGrid", grid)
    read = textgrid.read(tmp_path / "a.TextGrid")
    assert read == grid
    assert words.align_words(read) == [w.word for w in alignment.words]
    assert [w.label for w in words.align_words(read)] == [w.label for w in said]
    for phone in grid.tier("phones"):
        length = phone.end_seconds - phone.start_seconds
        assert not phone.label or length >= 0.03 - 1e-9  # three states


def test_right_text_keeps_the_limits(aligned):
    id, _, alignment = aligned
    found = confidence.measure(alignment, samples(id))
    found.check(DEFAULT_LIMITS)
    assert 0.1 < found.utterance < 1
    assert found.word <= found.utterance


def test_result_does_not_depend_on_what_was_aligned_before(aligned):
    id, said, alignment = aligned
    assert forced.align(samples(id), said) == alignment


def test_confidence_does_not_depend_on_what_comes_before():
    """What the second pass of pocketsphinx scores does."""
    clips = [samples(id) for id in reversed(TEXTS)]
    said = [spoken(text) for text in reversed(TEXTS.values())]
    both = forced.align(np.concatenate(clips), sum(said, ()))
    alone = forced.align(clips[1], said[1])
    last = np.mean([word.log_ratio for word in both.words[len(said[0]) :]])
    expected = np.mean([word.log_ratio for word in alone.words])
    assert last == pytest.approx(expected, abs=0.4)


def test_sound_that_comes_later_is_aligned_later():
    audio, said = samples("LJ001-0020"), spoken(TEXTS["LJ001-0020"])
    quiet = np.random.default_rng(0).integers(-3, 4, SECOND // 2).astype(np.int16)
    plain = forced.align(audio, said)
    late = forced.align(np.concatenate([quiet, audio]), said)
    for a, b in zip(plain.words[1:], late.words[1:], strict=True):
        assert b.word.start_seconds - a.word.start_seconds == pytest.approx(
            0.5, abs=0.03
        )
    first = late.grid().tier("words")[0]
    assert first.label == ""
    assert first.end_seconds == pytest.approx(0.5, abs=0.05)


def test_pause_between_words_becomes_an_empty_interval():
    audio, said = samples("LJ001-0008"), spoken(TEXTS["LJ001-0008"])
    grid = textgrid.read(CORPUS / "TextGrid" / "LJ001-0008.TextGrid")
    start = words.align_words(grid)[3].start_seconds
    quiet = np.random.default_rng(0).integers(-3, 4, SECOND // 2).astype(np.int16)
    parts = np.split(audio, [round(start * SECOND)])
    grid = forced.align(np.concatenate([parts[0], quiet, parts[1]]), said).grid()
    for tier in ("words", "phones"):
        (pause,) = [
            i
            for i in grid.tier(tier)
            if not i.label and i.start_seconds <= start + 0.1 < i.end_seconds
        ]
        assert pause.start_seconds == pytest.approx(start, abs=0.06)
        assert pause.end_seconds == pytest.approx(start + 0.5, abs=0.06)


def test_pronunciation_is_chosen_by_the_sound():
    said = list(spoken(TEXTS["LJ001-0008"]))
    said[3] = pronounced("surpassed", "B OY1 Z IH0 NG", "S ER0 P AE1 S T")
    found = forced.align(samples("LJ001-0008"), said).words[3].word
    assert [phone.label for phone in found.phones] == ["S", "ER0", "P", "AE1", "S", "T"]


def test_of_pronunciations_that_differ_in_stress_alone_the_first_counts():
    said = list(spoken(TEXTS["LJ001-0008"]))
    for stresses in ("01", "10"):
        a, b = (f"S ER{s} P AE{t} S T" for s, t in (stresses, stresses[::-1]))
        said[3] = pronounced("surpassed", "B OY1 Z IH0 NG", a, b)
        found = forced.align(samples("LJ001-0008"), said).words[3].word
        assert [phone.label for phone in found.phones] == a.split()


def test_same_sounds_keep_the_stress_of_their_own_word():
    """`never` twice in the dictionary of an utterance, with different stress."""
    audio = samples("LJ001-0008")
    said = list(spoken(TEXTS["LJ001-0008"]))
    said[1] = pronounced("never", "N EH1 V ER0")
    twice = [*said, *said]
    twice[5] = pronounced("never", "N EH2 V ER0")
    found = forced.align(np.concatenate([audio, audio]), twice).words
    assert [found[i].word.phones[1].label for i in (1, 5)] == ["EH1", "EH2"]


def rejected(audio, said):
    """The kind of the rejection, None if there is none."""
    alignment = forced.align(audio, said)
    if alignment is None:
        return "no path"
    try:
        confidence.measure(alignment, audio).check(DEFAULT_LIMITS)
    except SkipUtterance as skip:
        return str(skip).partition(":")[0]
    return None


@pytest.mark.parametrize(
    "text",
    [
        TEXTS["LJ001-0020"],
        "We hold these truths to be self evident.",
        "has never been surpassed by an umbrella.",
    ],
)
def test_text_of_another_recording_is_rejected(text):
    assert rejected(samples("LJ001-0008"), spoken(text))


def test_word_that_is_not_said_is_rejected_by_name():
    audio = samples("LJ001-0020")
    text = 'the "lower-case" being in fact invented in the umbrella early Middle Ages.'
    found = confidence.measure(forced.align(audio, spoken(text)), audio)
    with pytest.raises(SkipUtterance, match=r"doubtful word: 'umbrella' at [23]\."):
        found.check(DEFAULT_LIMITS)


@pytest.mark.parametrize(
    "text",
    ["the lower case being in fact", "invented in the early Middle Ages"],
)
def test_text_that_lacks_words_is_rejected(text):
    assert rejected(samples("LJ001-0020"), spoken(text))


def test_sound_after_the_last_word_is_reported_where_it_is():
    audio = samples("LJ001-0008")
    longer = np.concatenate([audio, samples("LJ001-0020")])
    said = spoken(TEXTS["LJ001-0008"])
    found = confidence.measure(forced.align(longer, said), longer)
    assert found.utterance > DEFAULT_LIMITS.min_confidence
    with pytest.raises(SkipUtterance, match="sound without words"):
        found.check(DEFAULT_LIMITS)
    assert found.uncovered.start_seconds >= len(audio) / SECOND


def sounds_without_speech():
    generator = np.random.default_rng(0)
    num = 2 * SECOND
    times = np.arange(num) / SECOND
    chord = sum(np.sin(2 * np.pi * f * times) for f in (220, 277, 330, 440))
    return {
        "white noise": generator.normal(0, 3000, num),
        "faint noise": generator.normal(0, 2, num),
        "chord": 3000 * chord,
        "silence": np.zeros(num),
    }


@pytest.mark.parametrize("name", sounds_without_speech())
def test_what_is_no_speech_is_rejected(name):
    audio = sounds_without_speech()[name].astype(np.int16)
    assert rejected(audio, spoken(TEXTS["LJ001-0008"]))


def test_steady_noise_of_a_room_is_no_reason_for_rejection():
    audio = samples("LJ001-0020").astype(float)
    noise = np.random.default_rng(0).normal(0, audio.std() / 10, len(audio))  # 20 dB
    assert not rejected((audio + noise).astype(np.int16), spoken(TEXTS["LJ001-0020"]))


@pytest.mark.parametrize("num_samples", [0, 1599, 100 * SECOND + 1])
def test_length_out_of_range_is_an_error(num_samples):
    with pytest.raises(ValueError, match=r"expected 0\.1 to 100 s of sound"):
        forced.align(np.zeros(num_samples, np.int16), spoken("hello"))


def test_no_words_is_an_error():
    with pytest.raises(ValueError, match="at least one word"):
        forced.align(np.zeros(SECOND, np.int16), [])


def bursts(*spans, background=10.0, num=3 * SECOND):
    """Noise at 1000 in `spans` of seconds, `background` elsewhere."""
    generator = np.random.default_rng(0)
    level = np.full(num, background)
    for start, end in spans:
        level[round(start * SECOND) : round(end * SECOND)] = 1000.0
    return (level * generator.normal(size=num)).clip(-32768, 32767).astype(np.int16)


@pytest.mark.parametrize(
    ("spoken_at", "expected"),
    [
        ([(0.5, 1.0), (1.5, 2.5)], None),
        ([(0.5, 1.0), (1.5, 1.9)], (1.9, 2.5)),
        ([(1.5, 2.5)], (0.5, 1.0)),
        ([(0.5, 1.0), (1.8, 2.0)], (2.0, 2.5)),
    ],
)
@pytest.mark.parametrize("background", [1.0, 100.0])
def test_longest_uncovered_is_where_there_is_sound_without_words(
    spoken_at, expected, background
):
    audio = bursts((0.5, 1.0), (1.5, 2.5), background=background)
    found = longest_uncovered(audio, spoken_at)
    if expected is None:
        assert found is None
    else:
        assert found[:2] == pytest.approx(expected, abs=0.02)


def test_dips_do_not_end_a_stretch_but_pauses_do():
    spans = [(0.0, 0.5), (1.0, 1.2), (1.23, 1.5), (1.6, 1.9)]
    found = longest_uncovered(bursts(*spans), [(0.0, 0.5)])
    assert found[:2] == pytest.approx((1.0, 1.5), abs=0.02)
