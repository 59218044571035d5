"""`python -m wg2.text`: the same lines by either executor."""

from __future__ import annotations

import io
import types

import pytest

from wg2.text.__main__ import main

LINES = (
    "Dr. Ho paid $3 [250ms] to J. R. Ed {HH OW1}.\r\n\n\xff caf\xe9 \nI read NASA's.\n"
)


@pytest.fixture
def run(monkeypatch, capsys):
    def call(*argv: str, data: bytes = LINES.encode("latin-1")) -> tuple[int, str, str]:
        stdin = types.SimpleNamespace(buffer=io.BytesIO(data))
        monkeypatch.setattr("sys.stdin", stdin)
        code = main(list(argv))
        out, err = capsys.readouterr()
        return code, out, err

    return call


def test_normalized_lines(run):
    code, out, _ = run("--normalize")
    assert code == 0
    assert out.splitlines() == [
        "doctor ho paid three dollars [250ms] to J R ed {HH OW1}.",
        "",
        "caf",
        "i read nasa's.",
    ]


def test_phonemes_show_the_pauses_asked_for(run):
    code, out, _ = run("--phonemes", data=b"yes [250ms] no\n")
    assert (code, out) == (0, "sil Y EH1 S sil [250ms] N OW1 sil <eos>\n")


@pytest.mark.slow
@pytest.mark.parametrize("what", ["--normalize", "--phonemes"])
def test_graph_prints_what_python_prints(run, what):
    expected = run(what)
    assert run(what, "--graph") == expected


def test_sentences(run):
    code, out, _ = run("--sentences", data=b"Mr. Ho left. He won.\nNo.\n")
    assert (code, out.splitlines()) == (0, ["Mr. Ho left.", "He won.", "No."])


def test_errors_are_one_line(run, tmp_path):
    code, out, err = run("--phonemes", "--lexicon", str(tmp_path / "none"))
    assert code == 2 and not out
    assert err.startswith("text: No such user lexicon") and err.count("\n") == 1
    code, _, err = run("--sentences", "--graph")
    assert code == 2 and err.count("\n") == 1
