"""Combinations, held-out utterances, and what is kept of them."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import numpy as np
import pytest

from tests import handmade
from wg2.data.dataset import DatasetInfo
from wg2.diffusion.named_schedules import make_schedule
from wg2.evaluation.combinations import Combination, plan
from wg2.evaluation.held_out import choose
from wg2.evaluation.store import Store
from wg2.presets import TINY

BOTH = ("true", "predicted")


def described(planned):
    return [
        (p.combination.schedule, p.combination.steps, p.combination.sampler,
         p.combination.durations)
        for p in planned
    ]  # fmt: skip


def test_every_combination_is_planned_few_steps_first():
    planned, notes = plan(TINY, (12, 4), ("ddpm", "dpmpp"), ("linear",), BOTH)
    assert notes == []
    assert described(planned) == [
        ("linear", steps, sampler, durations)
        for steps in (4, 12)
        for sampler in ("ddpm", "dpmpp")
        for durations in BOTH
    ]
    assert len({p.combination.name for p in planned}) == 8
    for item in planned:
        expected = make_schedule(TINY, item.combination.steps, "linear")
        np.testing.assert_array_equal(item.schedule.betas, expected.betas)


def test_files_have_steps_of_their_own(tmp_path):
    path = tmp_path / "my betas.json"
    path.write_text("[0.0001, 0.01, 0.5]")
    planned, _ = plan(TINY, (4,), ("ddpm",), ("derived", str(path)), ("true",))
    assert [(p.combination.steps, p.combination.name) for p in planned] == [
        (3, "true-my_betas-ddpm-3"),
        (4, "true-derived-ddpm-4"),
    ]
    np.testing.assert_array_equal(planned[0].schedule.betas, [0.0001, 0.01, 0.5])


def test_equal_schedules_are_measured_once():
    betas = tuple(make_schedule(TINY, 4, "linear").betas.tolist())
    stored = dataclasses.replace(
        TINY, diffusion=dataclasses.replace(TINY.diffusion, schedules=(betas,))
    )
    planned, notes = plan(stored, (4, 6), ("ddpm",), ("voice", "derived"), ("true",))
    assert described(planned) == [
        ("voice", 4, "ddpm", "true"),
        ("derived", 4, "ddpm", "true"),
        ("voice", 6, "ddpm", "true"),
    ]
    assert notes == ["derived is voice at 6 steps: measured once"]


def test_files_of_one_name_are_refused(tmp_path):
    paths = []
    for i in (1, 2):
        (tmp_path / str(i)).mkdir()
        paths.append(tmp_path / str(i) / "mine.json")
        paths[-1].write_text(json.dumps([1e-4 * i, 0.9]))
    with pytest.raises(ValueError, match=r"have one name: rename one"):
        plan(TINY, (4,), ("ddpm",), tuple(map(str, paths)), ("true",))


def test_utterances_of_few_are_among_those_of_many(tmp_path):
    made = [handmade.record(f"u{i}") for i in range(20)]
    info = handmade.write(tmp_path / "r", made[:2], made[2:], shard_size=5)
    many = choose(info, "validation", 12)
    assert [u.id for u in choose(info, "validation", 5)] == [u.id for u in many[:5]]
    assert len({u.id for u in many}) == 12
    ids = [r.id for r in made[2:]]
    by_hash = sorted(ids, key=lambda id: hashlib.sha256(id.encode()).hexdigest())
    assert [u.id for u in many] == by_hash[:12]
    record = next(r for r in made if r.id == many[3].id)
    np.testing.assert_array_equal(many[3].audio * 32768, record.audio)
    np.testing.assert_array_equal(many[3].durations, record.durations)
    assert many[3].phonemes[:3] == ("sil", "AA1", "B") and many[3].text == record.text
    assert many[3].speaker is None
    with pytest.raises(ValueError, match="has 18 validation utterances, not 19"):
        choose(info, "validation", 19)
    with pytest.raises(ValueError, match="no split 'test'"):
        choose(info, "test", 1)


def test_longer_utterances_can_be_passed_over(tmp_path):
    made = [handmade.record(f"u{i}") for i in range(6)]
    seconds = len(made[0].audio) / 8000
    more = np.array(made[0].durations)
    more[0] += 1
    longer = {"durations": more, "num_frames": int(more.sum())}
    for i in (1, 4):
        audio = np.append(made[i].audio, np.zeros(40, np.int16))
        made[i] = handmade.record(f"u{i}", audio=audio, **longer)
    info = handmade.write(tmp_path / "r", made[:1], made)
    short = choose(info, "validation", 4, seconds)
    every = [u.id for u in choose(info, "validation", 6)]
    assert [u.id for u in short] == [id for id in every if id not in ("u1", "u4")]
    assert [u.id for u in choose(info, "validation", 6, seconds + 0.005)] == every
    with pytest.raises(ValueError, match=r"has 4 .* of at most \S+ s, not 5: lower -u"):
        choose(info, "validation", 5, seconds, count_options="-u")


def test_speakers_are_named(tmp_path):
    config = handmade.config(speakers=("ann", "bob"))
    made = [handmade.record(f"u{i}", speaker_id=i % 2) for i in range(4)]
    info = handmade.write(tmp_path / "r", made, made, config=config)
    chosen = choose(info, "validation", 4)
    assert {u.id: u.speaker for u in chosen} == {
        "u0": "ann", "u1": "bob", "u2": "ann", "u3": "bob",
    }  # fmt: skip


def test_no_validation_utterances_and_damaged_shards_are_one_line(tmp_path):
    made = [handmade.record("a"), handmade.record("b")]
    info = handmade.write(tmp_path / "none", made)
    with pytest.raises(ValueError, match="'validation' has no utterances"):
        choose(info, "validation", 1)
    info = handmade.write(tmp_path / "cut", made, made)
    shard = info.directory / "validation-00000.tfrecord"
    shard.write_bytes(shard.read_bytes()[:-7])
    with pytest.raises(ValueError, match="is damaged"):
        choose(DatasetInfo.load(info.directory), "validation", 1)


# -- What is kept ----------------------------------------------------------------------

ONE = Combination("derived", 4, "ddpm", "true", "00ff")


def test_what_was_kept_is_found_again(tmp_path):
    store = Store(tmp_path / "out", {"seed": 1})
    store.add_recording({"id": "a", "x": 1.5})
    assert store.start(ONE) == {}
    audio = np.linspace(-0.5, 0.5, 100)
    store.add(ONE, {"id": "a", "y": float("nan")}, audio, 0, 8000)
    store.add(ONE, {"id": "b", "y": 2.0}, None, 1, 8000)
    again = Store(tmp_path / "out", {"seed": 1})
    assert again.recordings() == {"a": {"id": "a", "x": 1.5}}
    kept = again.start(ONE)
    assert list(kept) == ["a", "b"] and kept["b"]["y"] == 2.0
    assert list(again.combinations()) == [ONE]
    np.testing.assert_array_equal(again.sound(ONE, 0), np.rint(audio * 32768))


def test_half_a_line_of_a_killed_run_is_measured_again(tmp_path):
    store = Store(tmp_path / "out", {})
    store.start(ONE)
    store.add(ONE, {"id": "a"}, None, 0, 8000)
    path = tmp_path / "out" / ONE.name / "utterances.jsonl"
    with path.open("a") as file:
        file.write('{"id": "b", "x": 1.')
    assert list(store.start(ONE)) == ["a"]
    store.add(ONE, {"id": "b", "x": 2.0}, None, 1, 8000)
    assert store.start(ONE) == {"a": {"id": "a"}, "b": {"id": "b", "x": 2.0}}


def test_lines_that_are_no_values_are_measured_again(tmp_path):
    store = Store(tmp_path / "out", {})
    store.add_recording({"id": "a"})
    path = tmp_path / "out" / "recordings.jsonl"
    with path.open("ab") as file:
        file.write(b"\0\0\0\xff\n5\n{}\n[1]\n")
    store.add_recording({"id": "b"})
    assert list(store.recordings()) == ["a", "b"]


def test_a_run_that_was_killed_at_once_can_be_started_again(tmp_path):
    (tmp_path / ".settings.json.k3x8").write_text('{"seed"')
    Store(tmp_path, {"seed": 1})
    with pytest.raises(ValueError, match="measured with seed = 1"):
        Store(tmp_path, {"seed": 2})


def test_other_settings_are_named(tmp_path):
    Store(tmp_path / "out", {"seed": 1, "split": "validation"})
    with pytest.raises(ValueError, match="measured with seed = 1, now it is 2"):
        Store(tmp_path / "out", {"seed": 2, "split": "validation"})


def test_other_betas_of_the_same_name_are_refused(tmp_path):
    store = Store(tmp_path / "out", {})
    store.start(ONE)
    with pytest.raises(ValueError, match="other betas of the schedule derived"):
        store.start(dataclasses.replace(ONE, betas_hash="0000"))


def test_a_folder_of_other_things_is_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("dear to me")
    with pytest.raises(ValueError, match="holds no evaluation"):
        Store(tmp_path, {})
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(ValueError, match="holds no evaluation"):
        Store(tmp_path / "mine.txt", {})
