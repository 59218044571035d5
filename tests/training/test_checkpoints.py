"""Checkpoints: whole or not at all, the newest kept, damage told in one line."""

from __future__ import annotations

import contextlib
import errno
import json

import numpy as np
import pytest

from wg2.presets import TINY
from wg2.training import checkpoints
from wg2.training.checkpoints import CheckpointStore, load_arrays, save_arrays
from wg2.voice import run_weights

ARRAYS = {
    "model/a/kernel": np.arange(600, dtype="float32").reshape(20, 30),
    "seed/0": np.array([7, 9], "uint32"),
    "optimizer/0/iteration": np.array(3, "int64"),
}
STATE = {"step": 0, "seed": 5, "config": {"name": "x"}, "corpus_hash": "ab"}


def save(store: CheckpointStore, *steps: int) -> None:
    for step in steps:
        arrays = {name: value + step for name, value in ARRAYS.items()}
        store.save(step, arrays, {**STATE, "step": step})


def names(store: CheckpointStore) -> list[str]:
    return sorted(path.name for path in store.directory.iterdir())


def test_what_is_saved_is_what_is_loaded(tmp_path):
    store = CheckpointStore(tmp_path)
    save(store, 10, 200)
    for step, chosen in ((200, None), (10, 10)):
        arrays, state = store.load(chosen)
        assert state == {**STATE, "step": step}
        assert set(arrays) == set(ARRAYS)
        for name, value in ARRAYS.items():
            np.testing.assert_array_equal(arrays[name], value + step)
            assert arrays[name].dtype == (value + step).dtype
            assert arrays[name].shape == value.shape


def test_only_the_newest_are_kept(tmp_path):
    store = CheckpointStore(tmp_path, kept=2)
    save(store, 9, 10, 1000, 99_999_999)
    assert store.steps() == [1000, 99_999_999]
    assert names(store) == ["step-00001000", "step-99999999"]


def test_foreign_files_are_left_alone(tmp_path):
    store = CheckpointStore(tmp_path, kept=1)
    (tmp_path / "checkpoints" / "step-5-copy").mkdir(parents=True)
    save(store, 1, 2)
    assert names(store) == ["step-00000002", "step-5-copy"]


def test_missing_checkpoints_are_told_with_those_there_are(tmp_path):
    store = CheckpointStore(tmp_path)
    assert store.steps() == []
    with pytest.raises(FileNotFoundError, match="No checkpoint in"):
        store.load()
    save(store, 3, 8)
    with pytest.raises(FileNotFoundError, match=r"step 5 in .* There are: 3, 8"):
        store.load(5)


class FullDisk:
    """A file that takes so many bytes and no more."""

    def __init__(self, file, room: int):
        self._file, self._room = file, room

    def write(self, data) -> int:
        self._room -= len(data)
        if self._room < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._file.write(data)

    def __getattr__(self, name):
        return getattr(self._file, name)


@pytest.mark.parametrize("room", [0, 100, 2000])
def test_full_disk_leaves_the_older_checkpoints_and_nothing_half(
    tmp_path, monkeypatch, room
):
    store = CheckpointStore(tmp_path, kept=2)
    save(store, 1, 2)
    real = checkpoints.files.atomic_write

    @contextlib.contextmanager
    def atomic_write(path):
        with real(path) as file:
            yield FullDisk(file, room)

    monkeypatch.setattr(checkpoints.files, "atomic_write", atomic_write)
    with pytest.raises(OSError) as caught:
        save(store, 3)
    message = str(caught.value)
    assert "checkpoint of step 3" in message and "No space left" in message
    assert "\n" not in message
    assert names(store) == ["step-00000001", "step-00000002"]
    assert store.load()[1]["step"] == 2
    monkeypatch.undo()
    save(store, 3)
    assert names(store) == ["step-00000002", "step-00000003"]


def test_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "checkpoints").write_text("a file, not a folder")
    with pytest.raises(OSError, match=r"checkpoint of step 4 .*step-00000004"):
        save(CheckpointStore(tmp_path), 4)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"step": 4}'])
def test_damaged_state_is_told_in_one_line(tmp_path, content):
    store = CheckpointStore(tmp_path)
    save(store, 4)
    path = store.path(4) / "state.json"
    assert json.loads(path.read_text())["step"] == 4
    path.write_text(content)
    with pytest.raises(ValueError, match=r"state\.json is damaged") as caught:
        store.load()
    assert "\n" not in str(caught.value)


def test_missing_arrays_are_told(tmp_path):
    store = CheckpointStore(tmp_path)
    save(store, 4)
    (store.path(4) / "arrays.npz").unlink()
    with pytest.raises(FileNotFoundError, match=r"arrays\.npz"):
        store.load()


def test_every_kind_of_damage_to_arrays_is_told_in_one_line(tmp_path):
    """Whatever byte is wrong: an error that names the file, or true arrays (some bytes
    mean nothing, others hide an array, which those who load it find missing)."""
    path = tmp_path / "arrays.npz"
    small = {"a": np.arange(12.0), "b": np.array([[1, 2]], "int64")}
    save_arrays(path, small)
    whole = path.read_bytes()
    generator = np.random.default_rng(0)
    damaged = [whole[:n] for n in generator.integers(0, len(whole), 60)]
    for position in range(len(whole)):
        flipped = bytearray(whole)
        flipped[position] ^= 1 << generator.integers(8)
        damaged.append(bytes(flipped))
    told = 0
    for content in damaged:
        path.write_bytes(content)
        arrays, message = load_or_message(path)
        if message:
            assert str(path) in message and "\n" not in message
            told += 1
            continue
        for name, value in arrays.items():
            np.testing.assert_array_equal(value, small[name])
    assert told > 0.6 * len(damaged)


def load_or_message(path) -> tuple[dict, str]:
    try:
        return load_arrays(path), ""
    except ValueError as error:
        return {}, str(error)


def test_a_voice_gets_averages_where_there_are_some(tmp_path):
    kernel, mean = np.ones((2, 3), "float32"), np.full(3, 5, "float32")
    arrays = {
        "model/a/kernel": kernel,
        "model/norm/moving_mean": mean,  # an average already
        "ema/a/kernel": kernel / 4,
        "optimizer/0/iteration": np.array(3, "int64"),
    }
    state = {**STATE, "step": 7, "config": TINY.to_dict()}
    CheckpointStore(tmp_path).save(7, arrays, state)
    config, weights, found = run_weights(tmp_path)
    assert config == TINY and found["step"] == state["step"]
    assert set(weights) == {"a/kernel", "norm/moving_mean"}
    np.testing.assert_array_equal(weights["a/kernel"], kernel / 4)
    np.testing.assert_array_equal(weights["norm/moving_mean"], mean)
