"""The LJSpeech layout in the forms people have it."""

from __future__ import annotations

import pytest

from tfrecords_tools.corpora import ljspeech


def make(directory, metadata, wav_folder="wavs"):
    (directory / wav_folder).mkdir(parents=True)
    data = metadata if isinstance(metadata, bytes) else metadata.encode("utf-8")
    (directory / "metadata.csv").write_bytes(data)
    return directory


def test_two_and_three_fields_with_and_without_extension_sorted(tmp_path):
    make(tmp_path, 'b|"Two" | no\na.wav|one\nc|3|three\nd|four|\n')
    utterances, skipped = ljspeech.read(tmp_path)
    assert [(u.id, u.text) for u in utterances] == [
        ("a", "one"),
        ("b", "no"),
        ("c", "three"),
        ("d", "four"),  # an empty normalised text
    ]
    assert utterances[0].wav_path == tmp_path / "wavs" / "a.wav"
    assert skipped == []


def test_quotes_are_text(tmp_path):
    make(tmp_path, 'a|"unfinished\nb|she said "no", and\n')
    utterances, _ = ljspeech.read(tmp_path)
    assert [u.text for u in utterances] == ['"unfinished', 'she said "no", and']


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_byte_order_mark_and_windows_lines_change_nothing(tmp_path, ends, mark):
    make(tmp_path, mark + ends.join(["a|naïve\u2028one", "", "b|two", ""]))
    utterances, skipped = ljspeech.read(tmp_path)
    assert [(u.id, u.text) for u in utterances] == [
        ("a", "naïve\u2028one"),
        ("b", "two"),
    ]
    assert skipped == []


def test_sounds_may_lie_in_wav(tmp_path):
    make(tmp_path, "a|one\n", wav_folder="wav")
    utterances, _ = ljspeech.read(tmp_path)
    assert utterances[0].wav_path == tmp_path / "wav" / "a.wav"


def test_duplicates_and_malformed_lines_are_listed_with_their_number(tmp_path):
    make(tmp_path, "b|two\na|one\n\nb.wav|again\nc\nd|1|2|3\n|text\n")
    utterances, skipped = ljspeech.read(tmp_path)
    assert [(u.id, u.text) for u in utterances] == [("a", "one"), ("b", "two")]
    assert [(s.id, s.kind) for s in skipped] == [
        ("b", "duplicate id"),
        ("c", "malformed line"),
        ("d", "malformed line"),
        ("metadata.csv line 7", "malformed line"),
    ]
    assert "line 1 and line 4" in skipped[0].reason
    assert "line 5" in skipped[1].reason


def test_empty_text_stays_for_the_builder_to_count(tmp_path):
    make(tmp_path, "a|\nb||\n")
    utterances, _ = ljspeech.read(tmp_path)
    assert [u.text for u in utterances] == ["", ""]


def test_other_encodings_are_refused_with_the_line(tmp_path):
    make(tmp_path, b"a|one\nb|na\xefve\n")
    with pytest.raises(ValueError, match="UTF-8: line 2 has the byte 0xef"):
        ljspeech.read(tmp_path)


@pytest.mark.parametrize("metadata", ["", "\n \n"])
def test_empty_corpus_is_refused(tmp_path, metadata):
    make(tmp_path, metadata)
    with pytest.raises(ValueError, match="the corpus is empty"):
        ljspeech.read(tmp_path)


def test_missing_parts_are_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="No corpus folder"):
        ljspeech.read(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match=r"has no metadata\.csv"):
        ljspeech.read(tmp_path)
    (tmp_path / "metadata.csv").write_text("a|one\n")
    with pytest.raises(FileNotFoundError, match="no folder wavs/"):
        ljspeech.read(tmp_path)
