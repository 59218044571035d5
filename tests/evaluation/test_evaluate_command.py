"""`python -m wg2.evaluate`, from records and a voice to JSON, table and page."""

from __future__ import annotations

import html.parser
import json
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests import handmade
from tests.random_voice import random_voice
from wg2 import evaluate
from wg2.config import Config
from wg2.data.dataset import DatasetInfo
from wg2.evaluation import extras, running
from wg2.evaluation.held_out import choose
from wg2.evaluation.measures import MEASURES
from wg2.evaluation.recognizer import Recognizer
from wg2.inference import Synthesizer
from wg2.voice import Voice

ROOT = Path(__file__).parents[2]

FAST = ("--utterances", "3", "--listen", "2", "--no-progress")


def run(voice, records, output, *arguments) -> int:
    options = ["--voice", voice, "--data", records, "--output", output, *FAST]
    return evaluate.main([str(a) for a in [*options, *arguments]])


@pytest.fixture(scope="module")
def evaluated(voice_dir, records, tmp_path_factory):
    """Folder of an evaluation with everything."""
    output = tmp_path_factory.mktemp("evaluated") / "out"
    combinations = ("--steps", "2,3", "--samplers", "ddpm,ddim")
    assert run(voice_dir, records, output, *combinations) == 0
    return output


@pytest.fixture(scope="module")
def results(evaluated):
    return json.loads((evaluated / "evaluation.json").read_text(encoding="utf-8"))


def test_every_combination_has_every_measure(results):
    recordings, *spoken = results["results"]
    assert recordings["combination"] is None
    assert len(spoken) == 8  # 2 steps, 2 samplers, 2 kinds of durations
    named = {m.name for m in MEASURES}
    predicted_only = {
        n for n in named if n.startswith(("duration", "pause_mae", "len"))
    }
    of_pitch = {"f0_rmse_cents"}  # noise may have none
    for result in spoken:
        lacking = {"predicted": {"mcd_db"}, "true": predicted_only}
        expected = named - lacking[result["combination"]["durations"]]
        assert expected - of_pitch <= set(result["summary"]) <= expected
        assert len(result["utterances"]) == 3
        for name in set(result["summary"]) - of_pitch:
            value = result["summary"][name]
            assert value["low"] <= value["value"] <= value["high"], name
    own = {m.name for m in MEASURES if m.of_recording}
    assert set(recordings["summary"]) == own
    differences = spoken[0]["summary"]["noise_floor_dbfs"]["difference_to_recordings"]
    expected = (
        spoken[0]["summary"]["noise_floor_dbfs"]["value"]
        - recordings["summary"]["noise_floor_dbfs"]["value"]
    )
    assert differences["value"] == pytest.approx(expected)
    rates = recordings["summary"]["phone_error_percent"]["value"]
    errors, phones = (
        sum(u[name] for u in recordings["utterances"])
        for name in ("phone_errors", "num_phones")
    )
    assert phones > 0 and rates == pytest.approx(100 * errors / phones)


def test_few_steps_stand_beside_the_most(results):
    assert len(results["few_steps"]) == 4
    for one in results["few_steps"]:
        assert one["combination"].replace("-2", "-3") == one["most_steps"]
        assert one["noise_floor_difference_db"]["low"] is not None


def test_settings_say_what_was_measured(results, voice_dir, records):
    settings = results["settings"]
    info = json.loads((records / "dataset.json").read_text())
    assert settings["corpus_hash"] == info["corpus_hash"]
    assert re.fullmatch("[0-9a-f]{64}", settings["voice_hash"])
    assert settings["utterances"] == 3 == len(results["utterances"])
    assert settings["split"] == "validation" and settings["voice"] == "random"


def test_samplers_steps_and_durations_do_change_the_sound(evaluated):
    sounds = {
        path.parent.name: soundfile.read(path)[0]
        for path in evaluated.glob("*/0000.wav")
    }
    assert len(sounds) == 8
    for kind in ("true", "predicted"):
        same = [a for name, a in sounds.items() if name.startswith(kind)]
        assert len({len(a) for a in same}) == 1
        for i in range(4):
            for j in range(i):
                assert np.abs(same[i] - same[j]).max() > 1e-3


def test_what_is_heard_is_what_the_synthesizer_says(
    evaluated, voice_dir, records, results
):
    second = choose(DatasetInfo.load(records), "validation", 3)[1]
    assert second.id == results["utterances"][1]["id"]
    (spoken,) = Synthesizer.load(voice_dir).speak_phonemes(
        [second.phoneme_ids], [second.durations], steps=3, sampler="ddim", seed=1
    )
    kept, _ = soundfile.read(evaluated / "true-voice-ddim-3" / "0001.wav")
    assert len(kept) == len(second.audio)
    np.testing.assert_allclose(kept, np.clip(spoken.audio, -1, 1), atol=2e-4)


class Page(html.parser.HTMLParser):
    """Tags and their attributes."""

    def __init__(self, text: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))


def test_the_page_needs_nothing_else_and_has_everything_to_hear(evaluated):
    text = (evaluated / "report.html").read_text(encoding="utf-8")
    page = Page(text)
    for tag, attributes in page.tags:
        for name in ("src", "srcset", "href", "xlink:href", "data", "poster", "action"):
            assert attributes.get(name, "#").startswith(("data:", "#")), tag
        assert not any(name.startswith("on") for name in attributes)
        assert tag not in ("script", "link", "iframe")
    assert set(re.findall(r"url\((.)", text)) <= {"#"} and "@import" not in text
    players = [a for t, a in page.tags if t == "audio"]
    pictures = [a for t, a in page.tags if t == "img"]
    assert len(players) == len(pictures) == 2 * (8 + 1)  # utterances, combinations
    assert len([t for t, _ in page.tags if t == "svg"]) > 10
    ids = [a["id"] for _, a in page.tags if "id" in a]
    assert len(ids) == len(set(ids))
    for sampler in ("ddpm", "ddim"):
        assert sampler in text


def test_the_table_has_a_row_for_each_combination(
    evaluated, capsys, voice_dir, records
):
    combinations = ("--steps", "2,3", "--samplers", "ddpm,ddim")
    assert run(voice_dir, records, evaluated, *combinations) == 0
    first, *others = capsys.readouterr().out.split("\n\n")
    assert all(len(part.splitlines()) == 11 for part in others)
    lines = first.splitlines()
    assert lines[0].split()[:5] == ["durations", "schedule", "sampler", "steps", "MCD"]
    assert lines[2].startswith("recordings")
    assert [line.split()[:4] for line in lines[3:]] == [
        [durations, "voice", sampler, str(steps)]
        for durations in ("predicted", "true")
        for sampler in ("ddim", "ddpm")
        for steps in (2, 3)
    ]


QUICK = ("--no-intelligibility", "--durations", "true")


def rows(folder):
    results = json.loads((folder / "evaluation.json").read_text())["results"]
    return [(result["summary"], result["combination"]) for result in results]


def test_a_killed_run_goes_on_and_ends_as_if_it_had_not(
    voice_dir, records, tmp_path, monkeypatch, capsys
):
    whole, parted = tmp_path / "whole", tmp_path / "parted"
    arguments = (*QUICK, "--steps", "2,3")
    assert run(voice_dir, records, whole, *arguments) == 0

    killing = (
        "import os, signal, sys\n"
        "from wg2 import evaluate\nfrom wg2.evaluation import running\n"
        "original, calls = running.synthesis_values, []\n"
        "def kill_at_fifth(*args):\n"
        "    calls.append(1)\n"
        "    if len(calls) == 5:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return original(*args)\n"
        "running.synthesis_values = kill_at_fifth\n"
        "evaluate.main(sys.argv[1:])\n"
    )
    options = ["--voice", voice_dir, "--data", records, "--output", parted, *FAST]
    command = [sys.executable, "-c", killing, *map(str, options), *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL
    assert not (parted / "evaluation.json").exists()

    # Other combinations in between: the stopped one is no row, and said to be none.
    assert run(voice_dir, records, parted, *QUICK, "--steps", "1") == 0
    assert (
        "true-voice-ddpm-3 was stopped after 1 of 3 utterances and is left out"
        in capsys.readouterr().err
    )
    assert [r[1]["steps"] for r in rows(parted) if r[1]] == [1, 2]
    shutil.rmtree(parted / "true-voice-ddpm-1")

    measured = []
    original = running.synthesis_values

    def count(*args):
        measured.append(1)
        return original(*args)

    monkeypatch.setattr(running, "synthesis_values", count)
    assert run(voice_dir, records, parted, *arguments) == 0
    assert len(measured) == 2  # of 6

    def values(folder):
        results = json.loads((folder / "evaluation.json").read_text())["results"]
        for result in results:
            result["summary"].pop("real_time_factor", None)
            for utterance in result["utterances"]:
                utterance.pop("synthesis_seconds", None)
        return results

    assert values(parted) == values(whole)


def test_other_combinations_are_added(voice_dir, records, tmp_path, capsys):
    assert run(voice_dir, records, tmp_path / "o", *QUICK, "--steps", "1") == 0
    assert run(voice_dir, records, tmp_path / "o", *QUICK, "--samplers", "dpmpp") == 0
    results = json.loads((tmp_path / "o" / "evaluation.json").read_text())["results"]
    found = [r["combination"] for r in results if r["combination"]]
    assert [(c["sampler"], c["steps"]) for c in found] == [("ddpm", 1), ("dpmpp", 3)]
    capsys.readouterr()
    assert run(voice_dir, records, tmp_path / "o", *QUICK, "--seed", "5") == 2
    error = capsys.readouterr().err.strip()
    assert "measured with seed = 0, now it is 5" in error and "\n" not in error


def test_longer_utterances_are_passed_over(voice_dir, records, tmp_path, capsys):
    info = DatasetInfo.load(records)
    every = choose(info, "validation", info.split("validation").num_utterances)
    seconds = sorted(len(u.audio) / info.sample_rate_hz for u in every)
    longest = seconds[1]  # two are not longer
    assert longest < seconds[2]
    quick = (*QUICK, "--steps", "1", "--listen", "0", "--utterances", "2")
    arguments = (*quick, "--longest-seconds", repr(longest))
    assert run(voice_dir, records, tmp_path / "o", *arguments) == 0
    results = json.loads((tmp_path / "o" / "evaluation.json").read_text())
    found = [u["seconds"] for u in results["results"][0]["utterances"]]
    assert sorted(found) == seconds[:2]
    assert results["settings"]["longest_seconds"] == longest
    page = (tmp_path / "o" / "report.html").read_text(encoding="utf-8")
    assert f"2 validation utterances of at most {longest:g} s of" in page
    capsys.readouterr()
    assert run(voice_dir, records, tmp_path / "o", *quick) == 2
    error = capsys.readouterr().err.strip()
    assert f"measured with longest_seconds = {longest}, now it is None" in error


def test_nothing_is_heard_while_a_synthesis_is_timed(
    voice_dir, records, tmp_path, monkeypatch
):
    events = []

    class Recorded(Recognizer):
        def start(self, *args):
            events.append("start")
            super().start(*args)

        def result(self):
            events.append("result")
            return super().result()

    def spoken(self, *args, **kwargs):
        events.append("speak")
        return speak(self, *args, **kwargs)

    def measured(*args, **kwargs):
        events.append("measure")
        return measure(*args, **kwargs)

    speak, measure = Synthesizer.speak_phonemes, running.synthesis_values
    monkeypatch.setattr(running, "Recognizer", Recorded)
    monkeypatch.setattr(Synthesizer, "speak_phonemes", spoken)
    monkeypatch.setattr(running, "synthesis_values", measured)
    arguments = ("--utterances", "2", "--durations", "true", "--steps", "1")
    assert run(voice_dir, records, tmp_path / "o", *arguments) == 0
    one = ["speak", "speak", "start", "measure", "result"]  # beside the measures
    assert events == ["start", "result"] * 2 + one * 2
    events.clear()
    monkeypatch.setattr(running, "Recognizer", None)  # not needed any more
    assert run(voice_dir, records, tmp_path / "o", *arguments) == 0
    assert events == []


def test_a_recogniser_that_dies_is_one_line_and_the_run_goes_on(
    voice_dir, records, tmp_path, monkeypatch, capsys
):
    class Dying(Recognizer):
        def start(self, *args):
            self._children[1]._process.kill()
            self._children[1]._process.wait()
            super().start(*args)

    arguments = ("--utterances", "1", "--durations", "true", "--steps", "1")
    with monkeypatch.context() as patch:
        patch.setattr(running, "Recognizer", Dying)
        assert run(voice_dir, records, tmp_path / "o", *arguments) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("evaluate: the recogniser of phones ended with code -9")
    assert "\n" not in error
    assert run(voice_dir, records, tmp_path / "o", *arguments) == 0


def test_this_process_never_has_the_recogniser(voice_dir, records, tmp_path):
    options = ["--voice", voice_dir, "--data", records, "--output", tmp_path / "o"]
    options += ["--utterances", 1, "--durations", "true", "--steps", 1, "--listen", 0]
    code = (
        "import sys\nfrom wg2 import evaluate\n"
        "assert evaluate.main(sys.argv[1:]) == 0\n"
        "names = {name.partition('.')[0] for name in sys.modules}\n"
        "assert not {'pocketsphinx', 'tfrecords_tools'} & names\n"
    )
    command = [sys.executable, "-c", code, *map(str, options), "--no-progress"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "WER" in done.stdout and "PER" in done.stdout


def test_short_schedules_that_hiss_are_noted(voice_dir, records, tmp_path, capsys):
    arguments = (*QUICK, "--steps", "2", "--schedules", "linear")
    assert run(voice_dir, records, tmp_path / "o", *arguments) == 0
    error = capsys.readouterr().err
    assert error.count("will hiss") == 1
    results = json.loads((tmp_path / "o" / "evaluation.json").read_text())
    assert "linear: this 2-step schedule ends at noise level" in results["notes"][0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--utterances", "0"], "--utterances must be at least 1"),
        (["--utterances", "9999"], "validation utterances, not 9999"),
        (
            ["--longest-seconds", "nan"],
            "--longest-seconds must be above 0",
        ),
        (["--longest-seconds", "-1"], "--longest-seconds must be above 0. Received: -"),
        (
            ["--longest-seconds", "0.02"],
            "has 0 validation utterances of at most 0.02 s, not 3: lower --utterances, "
            "or raise --longest-seconds",
        ),
        (["--listen", "-1"], "--listen must be at least 0"),
        (["--split", "test"], "no split 'test'"),
        (["--steps", "4,x"], "--steps wants whole numbers"),
        (["--steps", "0"], "steps must be at least 1"),
        (
            ["--samplers", "ddpm,euler"],
            "--samplers wants ddpm, ddim, dpmpp. Received: 'e",
        ),
        (["--schedules", "nonsense"], "no noise schedule"),
        (["--schedules", "missing.json"], "No schedule file at missing.json"),
        (["--schedules", "voice,"], "--schedules wants names or files. Received: ''"),
        (["--voice", "nowhere"], "is not a voice"),
        (["--data", "nowhere"], "No dataset folder at nowhere"),
        (["--output", "/dev/null/x"], "/dev/null"),
    ],
)
def test_errors_are_one_line(voice_dir, records, tmp_path, capsys, arguments, message):
    assert run(voice_dir, records, tmp_path / "out", *arguments) == 2
    error = capsys.readouterr().err.strip()
    assert error.startswith("evaluate: ") and message in error
    assert "\n" not in error
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        (
            ["audio.sample_rate_hz=16000"],
            "sample_rate_hz is 8000 in the records, 16000",
        ),
        (["decoder.upsampling_factors=[10,2]"], "samples_per_frame is 40 in the"),
        (['text.speakers=["ann"]'], "speakers is"),
    ],
)
def test_records_that_do_not_fit_the_voice_are_one_line(
    voice_dir, records, tmp_path, capsys, overrides, message
):
    config = Config.from_file(voice_dir / "config.json").override(*overrides)
    random_voice(config).save(tmp_path / "other")
    assert run(tmp_path / "other", records, tmp_path / "out") == 2
    error = capsys.readouterr().err.strip()
    assert message in error and "\n" not in error


def test_phonemes_that_the_recogniser_does_not_know_are_one_line(tmp_path, capsys):
    phonemes = ("<pad>", "<eos>", "sil", ",", "ʃ", "B", "D", "S")
    config = handmade.config(phonemes=phonemes)
    made = [handmade.record("a"), handmade.record("b"), handmade.record("c")]
    info = handmade.write(tmp_path / "r", made, made, config=config)
    random_voice(config).save(tmp_path / "voice")
    arguments = (tmp_path / "voice", info.directory, tmp_path / "out")
    assert run(*arguments) == 2
    assert "also has ʃ; use --no-intelligibility" in capsys.readouterr().err
    assert run(*arguments, "--no-intelligibility", "--steps", "1") == 0
    results = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert "word_error_percent" not in results["results"][1]["summary"]


def test_voices_of_several_speakers_speak_as_the_recordings_do(tmp_path, monkeypatch):
    config = handmade.config(speakers=("ann", "bob"))
    made = [handmade.record(f"u{i}", speaker_id=i % 2) for i in range(3)]
    info = handmade.write(tmp_path / "r", made, made, config=config)
    random_voice(config).save(tmp_path / "voice")
    asked = {}
    original = Synthesizer.speak_phonemes

    def note(self, ids, *args, speaker=None, **kwargs):
        asked[len(asked)] = speaker
        return original(self, ids, *args, speaker=speaker, **kwargs)

    monkeypatch.setattr(Synthesizer, "speak_phonemes", note)
    assert run(tmp_path / "voice", info.directory, tmp_path / "o", *QUICK) == 0
    values = json.loads((tmp_path / "o" / "evaluation.json").read_text())
    wanted = [[u["speaker"]] for u in values["utterances"]]
    assert sorted(wanted) == [["ann"], ["ann"], ["bob"]]
    assert list(asked.values())[1::2] == wanted  # each is spoken twice


def test_a_voice_that_makes_no_sound_is_one_line(records, voice_dir, tmp_path, capsys):
    voice = Voice.load(voice_dir)
    voice.weights["decoder/output/kernel"][:] = 3e38  # finite, as voices must be
    voice.save(tmp_path / "voice")
    assert run(tmp_path / "voice", records, tmp_path / "o", *QUICK) == 2
    error = capsys.readouterr().err.strip()
    assert "the voice's sound is not finite" in error and "\n" not in error


def test_missing_packages_name_the_extra(
    monkeypatch, capsys, voice_dir, records, tmp_path
):
    monkeypatch.setattr(extras, "SIGNAL", ("pyworld", "no_such_package"))
    assert run(voice_dir, records, tmp_path / "out") == 2
    error = capsys.readouterr().err.strip()
    assert error == (
        "evaluate: evaluation needs the packages no_such_package: "
        "pip install no_such_package"
    )


def test_neither_wg2_nor_synthesis_nor_help_imports_what_evaluation_needs():
    code = (
        "import sys\nimport wg2, wg2.inference, wg2.synthesize, wg2.train\n"
        "import wg2.evaluation.distances\n"
        "from wg2 import evaluate\nevaluate.build_parser().format_help()\n"
        "heavy = {'pyworld', 'librosa', 'jiwer', 'pocketsphinx', 'soxr'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
