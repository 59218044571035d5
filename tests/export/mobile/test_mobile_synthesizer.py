"""A package speaks as its voice does: every mode, on both interpreters."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tensorflow as tf
from ai_edge_litert.interpreter import Interpreter as LiteRT

from export import tflite_run
from export.mobile.lexicon import PackageLexicon
from export.mobile.package import BLOCK_SECONDS, MODES, Package
from export.mobile.synthesizer import MobileSynthesizer
from wg2.inference import Synthesizer
from wg2.text.frontend import Frontend
from wg2.text.lexicon import Lexicon

ROOT = Path(__file__).resolve().parents[3]
INTERPRETERS = {"litert": LiteRT, "tensorflow": tf.lite.Interpreter}
TEXTS = (
    "Oh.",
    "Zyx and I read 3 books.",
    "A wait [700ms] in a {S EH1 N T AH0 N S}, and some more of it.",
    "Words go on; they go on and on, and when they have gone on, on they go: words!",
    "Blorfinated zamboozlers will object to the object. " * 2,
)


@pytest.fixture(scope="module")
def synthesizer(voice, lexicon_path):
    return Synthesizer(voice, lexicon_path)


def speak(package_path, mode, interpreter="litert", block_seconds=None):
    return MobileSynthesizer(
        package_path,
        mode=mode,
        block_seconds=block_seconds,
        interpreter=INTERPRETERS[interpreter],
    )


@pytest.mark.parametrize("interpreter", INTERPRETERS)
@pytest.mark.parametrize("mode", MODES)
def test_every_mode_speaks_as_the_voice(package_path, synthesizer, mode, interpreter):
    mobile = speak(package_path, mode, interpreter)
    for number, text in enumerate(TEXTS):
        settings = {
            "seed": (0, 7, -1, 2**62, -(2**63))[number],
            "length_scale": (1.0, 0.7, 1.6, 1.0, 3.0)[number],
            "speaker": ("ann", "bob")[number % 2],
            "steps": (3, 1, 5, 3, 5)[number],
        }
        (expected,) = synthesizer.speak([text], **settings)
        (actual,) = mobile.speak([text], **settings)
        assert actual.phonemes == expected.phonemes
        assert actual.sample_rate_hz == expected.sample_rate_hz
        np.testing.assert_allclose(actual.end_seconds, expected.end_seconds)
        assert np.abs(expected.audio).max() > 0.05
        np.testing.assert_allclose(actual.audio, expected.audio, atol=1e-4)
    # Longer than the single file decodes at a time.
    assert actual.end_seconds[-1] > 1.5 * BLOCK_SECONDS


@pytest.mark.parametrize("mode", ["split", "windows"])
def test_pieces_joined_are_the_whole(package_path, mode):
    mobile = speak(package_path, mode)
    settings = {"speaker": "bob", "seed": 3}
    (whole,) = mobile.speak([TEXTS[3]], **settings)
    pieces = list(mobile.stream(TEXTS[3], **settings))
    assert len(pieces) > 2
    np.testing.assert_allclose(np.concatenate(pieces), whole.audio, atol=1e-4)


@pytest.mark.parametrize(("mode", "seconds"), [("split", 0.11), ("windows", 0.05)])
def test_short_blocks_change_nothing(package_path, mode, seconds):
    (whole,) = speak(package_path, "split").speak([TEXTS[2]], speaker="ann")
    blocks = speak(package_path, mode, block_seconds=seconds)
    (actual,) = blocks.speak([TEXTS[2]], speaker="ann")
    np.testing.assert_allclose(actual.audio, whole.audio, atol=1e-4)


@pytest.mark.parametrize("mode", ["split", "windows"])
def test_blocks_need_the_margin(package_path, tmp_path, mode):
    """What the tests above show depends on it."""
    folder = tmp_path / "package"
    shutil.copytree(package_path, folder)
    edit(folder, margin_frames=1)
    changed = speak(folder, mode, block_seconds=0.1)
    (actual,) = changed.speak([TEXTS[3]], speaker="ann")
    (expected,) = speak(package_path, "split").speak([TEXTS[3]], speaker="ann")
    assert np.abs(actual.audio - expected.audio).max() > 1e-3


def test_lexicon_knows_what_the_front_end_knows(package_path, lexicon_path):
    mobile = speak(package_path, "split")
    ours = Lexicon(lexicon_path)
    frontend = Frontend(ours, mobile.package.facts["phonemes"])
    texts = [
        *TEXTS,
        "I refuse the refuse. They live near live wires; he read what I read.",
        "Supercalifragilistic qwrtzk's dogs' rereading NASA FBI o'clock catfishwork",
        "naïve Zoë x y z brrrr schmlpf aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
    ]
    for text in texts:
        assert mobile.frontend.encode(text) == frontend.encode(text)
    words = list(ours.words())
    for word in words[::211]:
        assert mobile.frontend.lexicon.entries(word) == ours.entries(word)
    assert mobile.frontend.lexicon.words() == ours.words()


def test_a_lexicon_comes_before_the_one_built_in(package_path, tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("zyx  HH AH0 L OW1\n", encoding="utf-8")
    package = Package.load(package_path)
    lexicon = PackageLexicon(package, predict=None, user_lexicon=path)
    assert lexicon.pronounce("zyx") == ("HH", "AH0", "L", "OW1")
    assert lexicon.pronounce("read") == ("R", "IY1", "D")
    assert lexicon.in_user_lexicon("read") and not lexicon.in_user_lexicon("book")


def edit(folder, **facts):
    path = folder / "voice.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps({**content, **facts}), encoding="utf-8")


def forget_nothing(folder):
    pass


ERRORS = {
    "no package": (shutil.rmtree, {}, "No voice.json"),
    "version": (lambda f: edit(f, format_version=2), {}, "format version 2.*reads 1"),
    "format": (lambda f: edit(f, format="other"), {}, "does not describe"),
    "no JSON": (lambda f: (f / "voice.json").write_text("{"), {}, "not JSON"),
    "no fact": (lambda f: edit(f, samples_per_frame="x"), {}, "samples_per_frame"),
    "no file": (lambda f: (f / "encoder.tflite").unlink(), {}, "No encoder.tflite"),
    "damaged": (
        lambda f: (f / "decoder.tflite").write_bytes(b"x"),
        {},
        "decoder.tflite is damaged",
    ),
    "dictionary": (lambda f: (f / "dictionary.bin").write_bytes(b"x"), {}, "damaged"),
    "empty": (forget_nothing, {"text": "  "}, "The text is empty"),
    "no words": (forget_nothing, {"text": "..."}, "There are no words"),
    "script": (forget_nothing, {"text": "привет"}, "cannot be spoken"),
    "phoneme": (
        forget_nothing,
        {"text": "HH QQ", "phonemes": True},
        "[Uu]nknown phoneme.*QQ",
    ),
    "steps": (forget_nothing, {"steps": 7}, "no table for 7 steps. It has: 1, 3, 5"),
    "speaker": (forget_nothing, {"speaker": "eve"}, "Unknown speaker 'eve'.*ann, bob"),
    "no speaker": (forget_nothing, {"speaker": None}, "choose one: ann, bob"),
    "seed": (forget_nothing, {"seed": 2**64}, "64 bits"),
    "scale": (forget_nothing, {"length_scale": 0.0}, "length_scale"),
    "window": (
        forget_nothing,
        {"mode": "windows", "block_seconds": 0.5},
        "0.5 s is longer than this package's windows: they hold 0.30 s",
    ),
    "single block": (
        forget_nothing,
        {"mode": "single", "block_seconds": 0.5},
        "fixed in the single file",
    ),
    "mode": (forget_nothing, {"mode": "double"}, "Unknown mode 'double'"),
    "threads": (forget_nothing, {"num_threads": 0}, "threads"),
    "block": (forget_nothing, {"block_seconds": -1.0}, "longer than 0"),
    "too long": (forget_nothing, {"text": "a [10s] " * 400}, "the limit is 3600"),
    "too long for one file": (
        forget_nothing,
        {"text": "a [10s] " * 400, "mode": "single"},
        "the limit is 3600",
    ),
    "too many phonemes": (
        forget_nothing,
        {"text": "B " * 9000, "phonemes": True},
        "900[0-9] phonemes, the limit is 8192",
    ),
    "no table": (
        lambda f: edit(f, tables={"3": {"level": [0.5]}}),
        {},
        "no complete table for 3 steps",
    ),
    "no rate": (lambda f: edit(f, sample_rate_hz=0), {}, "sample_rate_hz"),
    "endless block": (
        forget_nothing,
        {"block_seconds": float("inf")},
        "at most 3600 s. Received: inf",
    ),
}


@pytest.mark.parametrize("case", ERRORS)
def test_bad_input_is_one_clear_error(package_path, tmp_path, case):
    change, options, message = ERRORS[case]
    folder = tmp_path / "package"
    shutil.copytree(package_path, folder)
    change(folder)
    settings = {"speaker": "ann", **options}
    text = settings.pop("text", "Hello.")
    load = {
        name: settings.pop(name)
        for name in ("mode", "block_seconds", "num_threads")
        if name in settings
    }
    with pytest.raises((ValueError, FileNotFoundError), match=message) as error:
        MobileSynthesizer(folder, interpreter=LiteRT, **load).speak([text], **settings)
    assert "\n" not in str(error.value)


def test_the_single_file_does_not_stream(package_path):
    with pytest.raises(ValueError, match="whole texts only"):
        speak(package_path, "single").stream("Hello.", speaker="ann")


_NUMPY_AND_LITERT_ALONE = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        root = name.partition(".")[0]
        if root in ("tensorflow", "keras", "yaml", "g2p_en", "soundfile", "jax"):
            raise ModuleNotFoundError(f"{name} is not to be used")

sys.meta_path.insert(0, Refuse())
from export.tflite_run import main
code = main(sys.argv[1:])
assert not {"tensorflow", "keras", "yaml"} & set(sys.modules)
sys.exit(code)
"""


def test_command_needs_numpy_and_litert_alone(package_path, synthesizer, tmp_path):
    command = [sys.executable, "-c", _NUMPY_AND_LITERT_ALONE]
    command += ["--package", package_path, "--text", TEXTS[1], "--speaker", "bob"]
    command += ["--output", tmp_path / "out.wav", "--seed", "4"]
    done = subprocess.run(
        list(map(str, command)), cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    audio, rate = soundfile.read(tmp_path / "out.wav", dtype="float32")
    (expected,) = synthesizer.speak([TEXTS[1]], speaker="bob", seed=4)
    assert rate == expected.sample_rate_hz
    np.testing.assert_allclose(audio, np.clip(expected.audio, -1, 1), atol=1e-4)


def test_command_streams_and_says_one_line(package_path, tmp_path, capsys):
    files = ["--package", str(package_path), "--output", str(tmp_path / "out.wav")]
    assert tflite_run.main([*files, "--text", "Hi.", "--steps", "2"]) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("tflite_run: ") and "\n" not in error
    assert not (tmp_path / "out.wav").exists()
    command = [sys.executable, "-m", "export.tflite_run", "--package", package_path]
    command += ["--text", TEXTS[3], "--speaker", "ann", "--stream"]
    done = subprocess.run(
        list(map(str, command)), cwd=ROOT, capture_output=True, check=True
    )
    (expected,) = speak(package_path, "split").speak([TEXTS[3]], speaker="ann")
    streamed = np.frombuffer(done.stdout, "<i2").astype(int)
    wanted = np.rint(np.clip(expected.audio, -1, 1) * 32768).astype(int)
    assert np.abs(streamed - np.clip(wanted, -32768, 32767)).max() <= 3
    nothing = ["--package", str(tmp_path / "none"), "--output", str(tmp_path / "o.wav")]
    assert tflite_run.main([*nothing, "--text", "Hi."]) == 2
    assert "No voice.json" in capsys.readouterr().err
