"""Schedules in voices: what changes, what does not, and what uses them."""

import shutil

import numpy as np
import pytest

from tests.random_voice import random_voice
from wg2.diffusion.sampler import step_table
from wg2.diffusion.schedule import NoiseSchedule, derived_schedule
from wg2.inference import Synthesizer
from wg2.schedule_search.storing import (
    remove_schedule,
    store_schedule,
    stored_steps,
    voice_key,
)
from wg2.voice import Voice, load_description

THREE = NoiseSchedule([1e-5, 0.1 + 1e-17, 0.987654321987654321])
FOUR = NoiseSchedule([1e-5, 0.01, 0.2, 0.99])


@pytest.fixture
def voice(voice_dir, tmp_path):
    """A copy of a voice, with a file of its own."""
    path = tmp_path / "voice"
    shutil.copytree(voice_dir, path)
    (path / "README.md").write_text("about me")
    return path


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_a_stored_schedule_is_used_bit_for_bit(voice):
    store_schedule(voice, None, THREE, "a test.")
    synthesizer = Synthesizer.load(voice)
    np.testing.assert_array_equal(
        synthesizer._table(3, "dpmpp", "voice"),
        step_table(THREE, "dpmpp").astype("f"),
    )
    speak = {"phonemes": True, "seed": 3}
    stored = synthesizer("HH AH0 L OW1", steps=3, **speak)
    given = synthesizer("HH AH0 L OW1", schedule=THREE.betas.tolist(), **speak)
    derived = synthesizer("HH AH0 L OW1", steps=3, schedule="derived", **speak)
    np.testing.assert_array_equal(stored, given)
    assert np.abs(stored - derived).max() > 1e-3
    four = synthesizer._table(4, "ddpm", "voice")  # not stored
    expected = step_table(derived_schedule(synthesizer.config, 4), "ddpm")
    np.testing.assert_array_equal(four, expected.astype("f"))


def test_only_schedules_and_notes_change(voice):
    before, key = contents(voice), voice_key(voice)
    config, card = load_description(voice)
    store_schedule(voice, None, FOUR, "first.")
    store_schedule(voice, None, THREE, "second.")
    after = contents(voice)
    changed = {name for name in before if before[name] != after[name]}
    assert changed == {"config.json", "card.json"} and set(before) == set(after)
    new_config, new_card = load_description(voice)
    assert new_config.diffusion.schedules == (tuple(THREE.betas), tuple(FOUR.betas))
    assert new_config.override("diffusion.schedules=[]") == config
    lines = ["Schedule of 4 steps: first.", "Schedule of 3 steps: second."]
    assert new_card.notes.splitlines()[-2:] == lines
    assert voice_key(voice) == key
    remove_schedule(voice, None, 4)
    assert stored_steps(load_description(voice)[0]) == [3]
    remove_schedule(voice, None, 3)
    assert contents(voice) == before
    assert load_description(voice) == (config, card)


def test_a_schedule_of_as_many_steps_is_replaced_with_its_note(voice):
    other = NoiseSchedule([0.1, 0.2, 0.9])
    store_schedule(voice, None, THREE, "old.")
    store_schedule(voice, None, other, "new.")
    config, card = load_description(voice)
    assert config.diffusion.schedules == (tuple(other.betas),)
    assert "new." in card.notes and "old." not in card.notes


def test_a_copy_gathers_schedules_and_the_voice_stays(voice, tmp_path):
    before, copy = contents(voice), tmp_path / "copy"
    store_schedule(voice, copy, THREE, "a test.")
    store_schedule(voice, copy, FOUR, "a test.")
    assert stored_steps(load_description(copy)[0]) == [3, 4]
    assert contents(voice) == before
    for name in ("weights.npz", "README.md"):
        assert contents(copy)[name] == before[name]


def test_a_voice_behind_a_link_stays_behind_it(voice, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(voice)
    store_schedule(link, None, THREE, "a test.")
    assert link.is_symlink() and stored_steps(load_description(voice)[0]) == [3]


def test_other_voices_and_folders_are_left_as_they_are(voice, tmp_path):
    other = tmp_path / "other"
    changed = random_voice(Voice.load(voice).config)
    changed.weights["decoder/output/bias"] += 1
    changed.save(other)
    before = contents(other)
    with pytest.raises(ValueError, match="another voice"):
        store_schedule(voice, other, THREE, "a test.")
    assert contents(other) == before
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "thesis.tex").write_text("years of work")
    with pytest.raises(ValueError, match="is not a voice"):
        store_schedule(voice, folder, THREE, "a test.")
    assert [path.name for path in folder.iterdir()] == ["thesis.tex"]
    with pytest.raises(FileNotFoundError, match="is not a voice"):
        store_schedule(folder, None, THREE, "a test.")


def test_removing_what_is_not_stored_says_what_is(voice):
    store_schedule(voice, None, THREE, "a test.")
    with pytest.raises(ValueError, match=r"for 5 steps\. It has: 3"):
        remove_schedule(voice, None, 5)
