"""Pronunciations and pauses written into a text."""

from __future__ import annotations

import re

import pytest

from wg2.text import control, packed
from wg2.text.frontend import Frontend


@pytest.fixture(scope="module")
def frontend() -> Frontend:
    return Frontend()


@pytest.mark.parametrize(
    ("text", "pauses"),
    [
        ("Yes [300ms] no", {4: 0.3}),
        ("Yes, [300ms] no", {4: 0.3}),
        ("Yes [300ms], no", {4: 0.3}),
        ("Yes. [1.25s] [500 ms] No.", {4: 1.75}),
        ("[0.5s] Yes", {0: 0.5}),
        ("Yes [2s]", {4: 2.0}),
        ("Yes [99999ms]", {4: 10.0}),
    ],
)  # fmt: skip
def test_pause_lengthens_the_boundary_where_it_stands(frontend, text, pauses):
    encoded = frontend.encode(text, strict=False)
    found = {i: s for i, s in enumerate(encoded.pauses_seconds) if s is not None}
    assert found == pytest.approx(pauses)
    without = re.sub(r"\[.*\]", " ", text)
    assert encoded.ids == frontend.encode(without).ids


def test_braces_are_words_of_their_own(frontend):
    phonemes = frontend.phonemes("a{ B  iy1 }b {s IY1}, d")
    assert (
        " ".join(phonemes) == "sil AH0 sil B IY1 sil B IY1 sil S IY1 , D IY1 sil <eos>"
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a {HH AH0", "Brace without its partner"),
        ("a HH} b", "Brace without its partner"),
        ("a {HH AH} b", "AH is a vowel and needs its stress"),
        ("a {} b", "no phonemes"),
        ("a {sil} b", "Unknown phoneme 'SIL'"),
        ("a [5sec] b", "no pause"),
        ("a [-5ms] b", "no pause"),
        ("a [60s] b", "longer than 10 s"),
    ],
)
def test_what_is_almost_a_control_is_refused_or_read_as_text(frontend, text, message):
    with pytest.raises(ValueError, match=message):
        frontend.transcribe(text)
    assert frontend.encode(text, strict=False).ids


def test_packed_pauses_and_phonemes_are_apart():
    assert packed.unpack(packed.pack(("HH", "AH0"))) == ("HH", "AH0")
    assert packed.is_pause(packed.pack_pause(0)) and packed.is_pause(
        packed.pack_pause(99)
    )
    assert packed.pause_seconds(packed.pack_pause(0.257)) == 0.26
    assert not packed.is_pause(packed.pack(("ZH",)))
    assert control.split("a {B IY1} [1s]") == ["a ", "{B IY1}", " ", "[1s]", ""]
