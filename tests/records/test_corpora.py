"""Every layout is recognised and read; what is not clear is listed or asked for."""

from __future__ import annotations

import json

import pytest

from tfrecords_tools import corpora
from tfrecords_tools.corpora.description import describe
from wg2.data.dataset import Corpus


def write(root, files):
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return root


def read(root, *args, **options):
    """(id, path below the root, text, speaker) of each, and the reasons by id."""
    utterances, skipped = corpora.read(root, *args, **options)
    base = root.parent if root.is_file() else root
    rows = [
        (u.id, u.wav_path.relative_to(base).as_posix(), u.text, u.speaker)
        for u in utterances
    ]
    return rows, {skip.id: skip.reason for skip in skipped}


VCTK = {
    "txt/p225/p225_001.txt": "Please call Stella.\n",
    "txt/p225/p225_002.txt": b"\xef\xbb\xbfAsk her\r\nto bring.\r\n",
    "txt/p226/p226_001.txt": "Please call\n",
}


def test_vctk_092_by_microphone(tmp_path):
    sounds = "wav48_silence_trimmed"
    write(tmp_path, VCTK)
    for name in ("p225/p225_001_mic1", "p225/p225_001_mic2", "p225/p225_002_mic1"):
        write(tmp_path, {f"{sounds}/{name}.flac": ""})
    write(tmp_path, {f"{sounds}/p315/p315_001_mic1.flac": "", "log.txt": ""})
    rows, skipped = read(tmp_path)
    assert rows == [
        (
            "p225_001",
            f"{sounds}/p225/p225_001_mic1.flac",
            "Please call Stella.",
            "p225",
        ),
        ("p225_002", f"{sounds}/p225/p225_002_mic1.flac", "Ask her to bring.", "p225"),
    ]
    assert skipped["p315_001"].startswith("missing transcript: ")
    assert skipped["p226_001"] == "missing audio: no p226_001_mic1.flac"
    rows, skipped = read(tmp_path, mic=2)
    assert [row[1] for row in rows] == [f"{sounds}/p225/p225_001_mic2.flac"]
    assert skipped["p225_002"] == "missing audio: no p225_002_mic2.flac"


def test_vctk_080(tmp_path):
    write(tmp_path, {**VCTK, "wav48/p226/p226_001.wav": ""})
    rows, _ = read(tmp_path)
    assert rows == [("p226_001", "wav48/p226/p226_001.wav", "Please call", "p226")]


@pytest.mark.parametrize("subset", ["", "train-clean-100/"])
def test_libritts_as_subset_or_folder_of_subsets(tmp_path, subset):
    base = f"{subset}19/198/19_198_000000"
    write(
        tmp_path,
        {
            f"{base}_000000.wav": "",
            f"{base}_000000.normalized.txt": "Mister Smith",
            f"{base}_000000.original.txt": "Mr. Smith",
            f"{base}_000001.wav": "",
            f"{base}_000001.original.txt": "Dr. Who",
            f"{base}_000002.wav": "",
        },
    )
    rows, skipped = read(tmp_path)
    assert rows == [
        ("19_198_000000_000000", f"{base}_000000.wav", "Mister Smith", "19"),
        ("19_198_000000_000001", f"{base}_000001.wav", "Dr. Who", "19"),
    ]
    reason = "missing transcript: 19_198_000000_000002.normalized.txt"
    assert skipped == {"19_198_000000_000002": reason}


def test_plain_lines_beside_their_sounds_in_any_format(tmp_path):
    metadata = "a|one\nb.flac|two\nc|three\nd.e|four\nsub/f.ogg|five\nwavs/g.wav|six\n"
    sounds = ("a.mp3", "b.flac", "d.e.wav", "sub/f.ogg", "wavs/g.wav", "wavs/c.flac")
    write(tmp_path, {"metadata.csv": metadata, **dict.fromkeys(sounds, "")})
    rows, skipped = read(tmp_path)
    assert rows == [
        ("a", "a.mp3", "one", None),
        ("b", "b.flac", "two", None),
        ("c", "wavs/c.flac", "three", None),
        ("d.e", "d.e.wav", "four", None),
        ("g", "wavs/g.wav", "six", None),
        ("sub_f", "sub/f.ogg", "five", None),
    ]
    assert skipped == {}


SPEAKERS = "a.wav|ann|Good day.\nb.wav|bob|Green tree.\nc|ann|Red dog.\nd|bob|Yes.\n"


def test_speakers_are_told_from_texts(tmp_path):
    write(tmp_path, {"metadata.csv": SPEAKERS, "wavs/a.wav": ""})
    rows, _ = read(tmp_path)
    assert [(row[0], row[2], row[3]) for row in rows] == [
        ("a", "Good day.", "ann"),
        ("b", "Green tree.", "bob"),
        ("c", "Red dog.", "ann"),
        ("d", "Yes.", "bob"),
    ]
    # The same texts again and again are no speakers.
    lines = "".join(f"u{i}|Dr. {i % 2}|Doctor {i % 2}\n" for i in range(8))
    write(tmp_path, {"metadata.csv": lines})
    assert {row[3] for row in read(tmp_path)[0]} == {None}
    write(tmp_path, {"metadata.csv": lines.replace("Dr. 1", "etc.")})
    assert {row[3] for row in read(tmp_path)[0]} == {None}


def test_fields_that_cannot_be_told_are_asked_for(tmp_path):
    lines = "a|ann|Good day.\nb|bob|Green tree.\nc|cat|Red dog.\n"
    write(tmp_path, {"metadata.csv": lines, "wavs/a.wav": ""})
    with pytest.raises(ValueError, match="--columns id,speaker,text or"):
        read(tmp_path)
    rows, _ = read(tmp_path, columns=("id", "speaker", "text"))
    assert [row[3] for row in rows] == ["ann", "bob", "cat"]
    rows, _ = read(tmp_path, columns=("id", "raw", "text"))
    assert [row[3] for row in rows] == [None, None, None]
    assert [row[2] for row in rows] == ["Good day.", "Green tree.", "Red dog."]


def test_pipes_in_the_text_are_listed_unless_columns_are_told(tmp_path):
    lines = 'a|one\nb|two|or|"three"\nc|four\n'
    write(tmp_path, {"metadata.csv": lines, "wavs/a.wav": ""})
    rows, skipped = read(tmp_path)
    assert [row[0] for row in rows] == ["a", "c"]
    assert skipped["b"].startswith("malformed line: metadata.csv line 2 ")
    assert "4 fields; --columns" in skipped["b"]
    rows, skipped = read(tmp_path, columns=("id", "text"))
    assert rows[1][2] == 'two|or|"three"'
    assert skipped == {}


def test_fastspeech_lists_with_a_field_of_no_use(tmp_path):
    write(tmp_path, {"train.txt": "a|ann|{HH AH0}|Huh\nb|bob|Oh\n", "a.wav": ""})
    names = ("id", "speaker", "ignored", "text")
    rows, skipped = read(tmp_path / "train.txt", columns=names)
    assert rows == [("a", "a.wav", "Huh", "ann")]
    assert "line 2 is not `id|speaker|ignored|text`" in skipped["b"]


def test_empty_speaker_is_a_malformed_line(tmp_path):
    write(tmp_path, {"metadata.csv": SPEAKERS + "e||No.\n", "wavs/a.wav": ""})
    _, skipped = read(tmp_path, columns=("id", "speaker", "text"))
    assert list(skipped) == ["e"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": ("id", "speaker")}, "--columns wants .* id,speaker$"),
        ({"columns": ("id", "text", "tone")}, "id,text,tone"),
        ({"columns": ("id", "text", "text")}, "id,text,text"),
        ({"columns": ("id", "text"), "layout": "ljspeech"}, "--layout plain"),
        ({"mic": 2}, "--mic is for --layout vctk"),
        ({"layout": "librivox"}, "--layout must be one of ljspeech, vctk"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path, options, message):
    write(tmp_path, {"metadata.csv": "a|one\n", "wavs/a.wav": ""})
    with pytest.raises(ValueError, match=message):
        read(tmp_path, **options)


def test_unknown_folders_say_what_was_expected(tmp_path):
    with pytest.raises(FileNotFoundError, match="No corpus folder"):
        read(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match=r"expected metadata\.csv.*VCTK"):
        read(tmp_path)
    for layout in ("vctk", "ljspeech"):
        with pytest.raises(FileNotFoundError, match=r"txt/|metadata\.csv"):
            read(tmp_path, layout)
    with pytest.raises(ValueError, match="the corpus is empty"):
        read(tmp_path, "libritts")


def test_a_corpus_says_where_it_comes_from(tmp_path):
    assert describe(tmp_path, "en-US") == Corpus(
        tmp_path.name, "en-US", "unknown", str(tmp_path)
    )
    told = {"name": "Ann", "licence": "CC0", "source": "me", "voice": "x"}
    (tmp_path / "corpus.json").write_text(json.dumps(told))
    (tmp_path / "metadata.csv").write_text("a|b\n")
    expected = Corpus("Ann", "en-US", "MIT", "me")
    assert describe(tmp_path / "metadata.csv", "en-US", licence="MIT") == expected
    for bad, message in (
        ("{", "not valid JSON"),
        ("[]", "object"),
        ('{"name": 1}', "text"),
    ):
        (tmp_path / "corpus.json").write_text(bad)
        with pytest.raises(ValueError, match=message):
            describe(tmp_path, "en-US")


def test_ids_and_texts_that_no_file_can_have_are_malformed(tmp_path):
    long = "x" * 201
    lines = [
        "a|Hello.",
        "b|Hel\0lo.",
        "c\0|Hello.",
        f"{long}|Hello.",
        f"{long}/y|Hello.",
    ]
    write(tmp_path, {"metadata.csv": "\n".join(lines), "wavs/a.wav": ""})
    rows, skipped = read(tmp_path)
    assert [row[0] for row in rows] == ["a"]
    assert len(skipped) == 4
    for number, reason in enumerate(skipped.values(), start=2):
        assert reason.startswith(f"malformed line: metadata.csv line {number}: ")
        assert ("NUL" in reason) == (number < 4)
        assert ("bytes" in reason) == (number >= 4)


def test_extension_may_be_in_capitals(tmp_path):
    files = {"wavs/a.WAV": "", "wavs/b.FLAC": "", "wavs/c.wav": "", "wavs/c.WAV": ""}
    write(tmp_path, {"metadata.csv": "a|One.\nb.FLAC|Two.\nc|Three.\n", **files})
    rows, _ = read(tmp_path)
    assert [row[1] for row in rows] == ["wavs/a.WAV", "wavs/b.FLAC", "wavs/c.wav"]
