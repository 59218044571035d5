"""`python -m wg2.schedule`, from arguments to voices."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from wg2 import schedule
from wg2.diffusion.schedule import NoiseSchedule, derived_schedule
from wg2.evaluation import extras
from wg2.inference import Synthesizer
from wg2.schedule_search.measuring import Measurements
from wg2.schedule_search.storing import store_schedule, stored_steps
from wg2.schedule_search.warping import log_snr, warped_schedule
from wg2.voice import load_description

ROOT = Path(__file__).parents[2]
FAST = ("--utterances", "2", "--held-back", "1", "--noises", "1", "--no-progress")


@pytest.fixture
def voice(voice_dir, tmp_path):
    path = tmp_path / "voice"
    shutil.copytree(voice_dir, path)
    return path


def run(command, voice, *arguments) -> int:
    return schedule.main([command, "--voice", str(voice), *map(str, arguments)])


def run_search(voice, records, *arguments) -> int:
    return run("search", voice, "--data", records, *FAST, *arguments)


def stored(voice) -> list[int]:
    return stored_steps(load_description(voice)[0])


class MadeValues:
    """Instead of speaking: utterance -> distance from a target schedule."""

    def __init__(self, config):
        self.config = config
        self.asked = []
        self.limit = None
        self.held_back_parameters = None

    def __call__(self, measurements, candidate, utterance):
        if self.limit is not None and len(self.asked) >= self.limit:
            raise KeyboardInterrupt
        self.asked.append((measurements.sampler, candidate, utterance.id))
        value = self.value(candidate, utterance.id)
        return {"log_mel_l1": [value], "noise_floor_dbfs": [-50.0 - value]}

    def value(self, candidate, utterance_id):
        steps = candidate.num_steps
        parameters = np.array([0.8, -0.6, 0.4][: steps - 2])
        if self.held_back_parameters is not None and not self.is_searched(utterance_id):
            parameters = np.array(self.held_back_parameters)
        target = warped_schedule(self.config, steps, parameters)
        both = (log_snr(s.noise_level_bounds[1:]) for s in (candidate, target))
        distance = np.subtract(*both)
        return 1.0 + float(np.square(distance).mean())

    def is_searched(self, utterance_id):
        """The first that were asked for, with the derived schedule, are."""
        first = list(dict.fromkeys(name for _, _, name in self.asked))[:2]
        return utterance_id in first


@pytest.fixture
def made(voice, monkeypatch):
    values = MadeValues(load_description(voice)[0])
    monkeypatch.setattr(Measurements, "_measure", lambda *args: values(*args))
    return values


def test_a_search_stores_what_is_better_and_says_so(voice, records, made, capsys):
    assert run_search(voice, records, "--steps", "4,3", "--evaluations", 25) == 0
    out, err = capsys.readouterr()
    config, card = load_description(voice)
    assert stored(voice) == [3, 4]
    for betas in config.diffusion.schedules:
        found = NoiseSchedule(betas)
        derived = derived_schedule(made.config, len(betas))
        assert made.value(found, "") < 1.1 < made.value(derived, "")
        ends = [0, 1, -1]
        np.testing.assert_allclose(
            found.noise_level_bounds[ends], derived.noise_level_bounds[ends], rtol=1e-9
        )
        value = (
            f"{made.value(derived, ''):.4f} (derived) -> {made.value(found, ''):.4f}"
        )
        for text in (out, card.notes):
            assert f"{len(betas)} steps: searched for ddpm: log-mel L1 {value}" in text
        assert f"{len(betas)} steps: stored in {voice}" in out
    for sampler in ("ddpm", "ddim", "dpmpp"):
        assert out.count(f"held back, {sampler}: log-mel L1 -") == 2
    assert f"{voice}.search" in err
    speaker = Synthesizer.load(voice)
    four = config.diffusion.schedules[1]
    np.testing.assert_array_equal(
        speaker._table(4, None, "voice"), speaker._table(None, None, list(four))
    )


def test_utterances_held_back_are_not_searched_with(voice, records, made):
    assert run_search(voice, records, "--steps", "3", "--evaluations", 9) == 0
    searched = [name for _, _, name in made.asked[:2]]
    (held_back,) = {name for _, _, name in made.asked} - set(searched)
    derived = derived_schedule(made.config, 3)
    (betas,) = load_description(voice)[0].diffusion.schedules
    compared = [
        made.asked.index(("ddpm", c, held_back))
        for c in (derived, NoiseSchedule(betas))
    ]
    assert compared == [len(made.asked) - 6, len(made.asked) - 5]
    assert all(name in searched for _, _, name in made.asked[:-6])
    rest = [(sampler, name) for sampler, _, name in made.asked[-6:]]
    assert rest == [(s, held_back) for s in ("ddpm", "ddim", "dpmpp") for _ in "ab"]


def test_nothing_is_measured_twice_by_a_search_that_goes_on(
    voice, records, made, tmp_path
):
    whole = tmp_path / "whole"
    arguments = ("--steps", "3,4", "--evaluations", 20)
    assert run_search(voice, records, *arguments, "--output", whole) == 0
    expected = made.asked[:]
    assert len(set(expected)) == len(expected)
    made.asked = []
    for limit in (1, 7, len(expected) - 20):
        made.limit = limit
        with pytest.raises(KeyboardInterrupt):
            run_search(voice, records, *arguments)
    assert stored(voice) == [3]  # what was ready when the last was stopped
    made.limit = None
    assert run_search(voice, records, *arguments) == 0
    assert made.asked == expected
    made.asked = []
    assert run_search(voice, records, *arguments) == 0
    assert made.asked == []
    assert load_description(voice)[0] == load_description(whole)[0]


def test_what_is_worse_on_other_utterances_is_not_stored(voice, records, made, capsys):
    made.held_back_parameters = [-0.8, 0.6]
    before = {path.name: path.read_bytes() for path in voice.iterdir()}
    assert run_search(voice, records, "--steps", "4", "--evaluations", 20) == 0
    out = capsys.readouterr().out
    assert "4 steps: worse on the utterances held back: nothing is stored" in out
    assert "%) on 1 held back" in out and "(+" in out
    assert {path.name: path.read_bytes() for path in voice.iterdir()} == before


def test_where_the_derived_schedule_is_best_nothing_is_stored(
    voice, records, made, monkeypatch, capsys
):
    config = made.config

    def value(candidate, utterance_id):
        return 2.0 - (candidate == derived_schedule(config, 4))

    monkeypatch.setattr(made, "value", value)
    assert run_search(voice, records, "--steps", "4", "--evaluations", 9) == 0
    out = capsys.readouterr().out
    assert "none of 9 candidates is better than the derived schedule" in out
    assert "4 steps: nothing is stored" in out and stored(voice) == []


def test_a_sampler_that_loses_is_named(voice, records, made, monkeypatch, capsys):
    plain = made.value
    derived = derived_schedule(made.config, 4)

    def value(candidate, utterance_id):
        if made.asked[-1][0] == "dpmpp":
            return 1.0 if candidate == derived else 1.05
        return plain(candidate, utterance_id)

    monkeypatch.setattr(made, "value", value)
    assert run_search(voice, records, "--steps", "4", "--evaluations", 9) == 0
    out = capsys.readouterr().out
    assert "held back, dpmpp: log-mel L1 +5.0 %" in out
    assert out.count("is better with --schedule derived") == 1
    assert "dpmpp is better with --schedule derived" in out


def test_several_samplers_are_searched_for_together(
    voice, records, made, monkeypatch, capsys
):
    """ddpm and dpmpp want opposite warps: the mean of both counts."""
    targets = {
        name: warped_schedule(made.config, 3, np.array([parameter]))
        for name, parameter in (("ddpm", 1.0), ("dpmpp", -0.2), ("ddim", 0.0))
    }

    def value(candidate, utterance_id):
        levels = candidate, targets[made.asked[-1][0]]
        distance = np.subtract(*(log_snr(s.noise_level_bounds[2]) for s in levels))
        return 1.0 + float(distance**2)

    monkeypatch.setattr(made, "value", value)
    arguments = ("--steps", "3", "--evaluations", 30, "--sampler")
    copy = voice.with_name("copy")
    state = ("--state", voice.with_name("state"))
    assert run_search(voice, records, *arguments, "dpmpp,ddpm", *state) == 0
    out = capsys.readouterr().out
    assert "searched for dpmpp and ddpm: log-mel L1" in out
    # The best mean is between the two, and there dpmpp loses.
    assert "worse on the utterances held back: nothing is stored" in out
    targets["dpmpp"] = warped_schedule(made.config, 3, np.array([0.6]))
    state = ("--state", voice.with_name("other"))
    output = ("--output", copy)
    assert run_search(voice, records, *arguments, "dpmpp,ddpm", *state, *output) == 0
    (betas,) = load_description(copy)[0].diffusion.schedules
    middle = log_snr(NoiseSchedule(betas).noise_level_bounds[2])
    both = [log_snr(targets[n].noise_level_bounds[2]) for n in ("ddpm", "dpmpp")]
    np.testing.assert_allclose(middle, np.mean(both), atol=0.1)


def test_a_real_search_is_never_worse_and_changes_the_copy_only(
    voice, records, tmp_path, capsys
):
    copy, before = tmp_path / "copy", (voice / "config.json").read_bytes()
    arguments = ("--steps", "3", "--evaluations", 8, "--sampler", "dpmpp")
    state = tmp_path / "state"
    options = ("--output", copy, "--state", state, "--seed", 3)
    assert run_search(voice, records, *arguments, *options) == 0
    out = capsys.readouterr().out
    assert (voice / "config.json").read_bytes() == before
    (path,) = state.glob("dpmpp-*.jsonl")
    values = [json.loads(line) for line in path.read_text().splitlines()]
    by_betas = {}
    for one in values:
        by_betas.setdefault(tuple(one["betas"]), []).append(one["log_mel_l1"][0])
    assert 3 <= len(by_betas) <= 8
    derived, *others = (np.mean(kept[:2]) for kept in by_betas.values())
    better = min(others) < derived
    assert better == (f"log-mel L1 {derived:.4f} (derived)" in out)
    assert ("stored in" in out) == copy.exists()
    if copy.exists():
        (betas,) = load_description(copy)[0].diffusion.schedules
        assert np.mean(by_betas[betas][:2]) == min(others) < derived
        held_back = [by_betas[b][2:] for b in (betas, next(iter(by_betas)))]
        assert np.mean(held_back[0]) <= np.mean(held_back[1])


def refused(capsys, expected: str, status: int) -> None:
    out, err = capsys.readouterr()
    assert status == 2 and out == ""
    assert err.startswith("schedule: ") and err.count("\n") == 1
    assert expected in err


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--steps", "2,4"], "a schedule of 2 steps has nothing to search"),
        (["--steps", "four"], "--steps wants whole numbers"),
        (["--sampler", "ddpm,euler"], "--sampler wants ddpm, ddim, dpmpp"),
        (["--split", "tests"], "no split 'tests'"),
        (["--utterances", "40"], "not 41: lower --utterances or --held-back, or build"),
        (
            ["--longest-seconds", "0.01"],
            "has 0 validation utterances of at most 0.01 s",
        ),
        (["--longest-seconds", "nan"], "--longest-seconds must be above 0"),
        (["--evaluations", "0"], "--evaluations must be at least 1"),
        (["--noises", "0"], "--noises must be at least 1"),
        (["--held-back", "0"], "--held-back must be at least 1"),
        (["--data", "nowhere"], "nowhere"),
        (["--output", ROOT], "is not a voice; it is left as it is"),
    ],
)
def test_what_cannot_be_searched_is_one_line(
    voice, records, made, capsys, arguments, expected
):
    refused(capsys, expected, run_search(voice, records, *arguments))
    assert made.asked == []


def test_records_of_another_rate_do_not_fit(voice, records, made, capsys):
    path = voice / "config.json"
    config, _ = load_description(voice)
    rate = config.audio.sample_rate_hz + 100
    config.override(f"audio.sample_rate_hz={rate}").save(path)
    refused(capsys, "sample_rate_hz is", run_search(voice, records))


def test_what_is_stored_is_replaced_only_when_asked(voice, records, made, capsys):
    own = NoiseSchedule([0.1, 0.5, 0.99])
    store_schedule(voice, None, own, "a test.")
    status = run_search(voice, records, "--steps", "3,4")
    refused(capsys, "a schedule for 3 steps already: --replace", status)
    assert made.asked == []
    arguments = ("--steps", "3", "--evaluations", 9, "--replace")
    assert run_search(voice, records, *arguments) == 0
    (betas,) = load_description(voice)[0].diffusion.schedules
    assert betas != tuple(own.betas)


def test_a_missing_package_is_named(voice, records, monkeypatch, capsys):
    monkeypatch.setattr(extras.importlib.util, "find_spec", lambda name: None)
    refused(capsys, "scipy", run_search(voice, records))


def test_show_prints_levels_that_give_the_betas(voice, capsys):
    assert run("show", voice, "--steps", 4) == 0
    out = capsys.readouterr().out
    assert "stored schedules for steps: none" in out and "4 steps (derived)" in out
    derived = derived_schedule(load_description(voice)[0], 4)
    lines = out.splitlines()
    rows = np.array([line.split() for line in lines[-5:-1]], float)
    np.testing.assert_array_equal(rows[:, 0], [4, 3, 2, 1])
    np.testing.assert_allclose(rows[:, 1], derived.noise_level_bounds[:0:-1], atol=1e-6)
    np.testing.assert_allclose(
        rows[:, 2], np.log(rows[:, 1] ** 2 / (1 - rows[:, 1] ** 2)), atol=0.7
    )
    np.testing.assert_allclose(rows[:, 3], derived.betas[::-1], rtol=1e-5)
    printed = lines[-1].removeprefix("betas ")
    assert run("store", voice, "--schedule", printed) == 0
    capsys.readouterr()
    assert run("show", voice, "--steps", 4) == 0
    out = capsys.readouterr().out
    assert "for steps: 4" in out and "4 steps (stored)" in out
    assert out.splitlines()[-1] == lines[-1]  # exactly
    assert load_description(voice)[0].diffusion.schedules == (tuple(derived.betas),)


def test_a_list_that_ends_too_clean_is_stored_with_a_warning(voice, tmp_path, capsys):
    path = tmp_path / "betas.json"
    path.write_text("[0.001, 0.01]")
    for arguments in (("show",), ("store",)):
        assert run(*arguments, voice, "--schedule", path) == 0
        out, err = capsys.readouterr()
        assert "this 2-step schedule ends at noise level 0.994" in err and out
    assert stored(voice) == [2]
    status = run("store", voice, "--schedule", "0.5,0.999")
    refused(capsys, "for 2 steps already: --replace replaces it", status)
    assert run("store", voice, "--schedule", "0.5,0.999", "--replace") == 0
    assert capsys.readouterr().err == ""  # ends at 0.022
    assert load_description(voice)[0].diffusion.schedules == ((0.5, 0.999),)
    copy = tmp_path / "copy"
    assert run("remove", voice, "--steps", 2, "--output", copy) == 0
    assert stored(copy) == [] and stored(voice) == [2]


@pytest.mark.parametrize(
    ("command", "arguments", "expected"),
    [
        ("store", ["--schedule", "0.1,2"], "Every beta must lie in (0, 1)"),
        ("store", ["--schedule", "0.1,x"], "is no noise schedule"),
        ("store", ["--schedule", ""], "needs a list of betas"),
        ("store", ["--schedule", "none.json"], "No schedule file at none.json"),
        ("store", ["--schedule", "linear"], "wants betas or a file of betas"),
        ("show", ["--schedule", "0.1", "--steps", "2"], "--steps 2 contradicts"),
        ("show", ["--steps", "0"], "steps must be at least 1"),
        ("remove", ["--steps", "4"], "stores no schedule for 4 steps. It has: none"),
    ],
)
def test_bad_lists_are_one_line(voice, capsys, command, arguments, expected):
    refused(capsys, expected, run(command, voice, *arguments))
    assert stored(voice) == []


def test_help_and_show_come_without_tensorflow(voice):
    code = (
        "import sys; from wg2 import schedule\n"
        f"schedule.main(['show', '--voice', {str(voice)!r}, '-n', '0.1,0.95'])\n"
        "schedule.build_parser()\nassert 'tensorflow' not in sys.modules"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "2 steps (0.1,0.95)" in done.stdout
