"""`dataset.json`: round trip, and one clear line for everything that is wrong."""

from __future__ import annotations

import dataclasses
import json
import shutil

import pytest

from wg2.config import Config, TextConfig
from wg2.data.dataset import FILE_NAME, DatasetInfo


@pytest.fixture
def dataset(tiny_dataset, tmp_path):
    """A copy that the test may damage."""
    return shutil.copytree(tiny_dataset, tmp_path / "records")


def edit(directory, **changes):
    path = directory / FILE_NAME
    values = json.loads(path.read_text())
    for name, value in changes.items():
        if value is None:
            del values[name]
        else:
            values[name] = value
    path.write_text(json.dumps(values))


def test_what_is_saved_is_what_is_loaded(dataset, tmp_path):
    info = DatasetInfo.load(dataset)
    changed = dataclasses.replace(info, max_frames=777, skipped=({"id": "é"},))
    changed.save(tmp_path)
    assert DatasetInfo.load(tmp_path) == changed
    assert DatasetInfo.load(tmp_path) != info


def test_dataset_carries_the_config_it_was_built_with(tiny_dataset, tiny_config):
    info = DatasetInfo.load(tiny_dataset)
    assert Config.from_dict(info.config) == tiny_config
    info.check_config(tiny_config)


@pytest.mark.parametrize(
    ("overrides", "quoted"),
    [
        (["audio.sample_rate_hz=16000"], ("sample_rate_hz", "8000", "16000")),
        (
            ["decoder.upsampling_factors=[5,5,2]"],
            ("samples_per_frame", "40", "50"),
        ),
        (["text.speakers=[ann,bob]"], ("speakers", "()", "('ann', 'bob')")),
    ],
)
def test_config_that_does_not_fit_is_refused_quoting_both(
    tiny_dataset, tiny_config, overrides, quoted
):
    with pytest.raises(ValueError) as caught:
        DatasetInfo.load(tiny_dataset).check_config(tiny_config.override(*overrides))
    for value in quoted:
        assert value in str(caught.value)


def test_config_of_other_phonemes_is_refused(tiny_dataset, tiny_config):
    info = DatasetInfo.load(tiny_dataset)
    phonemes = tiny_config.text.phonemes
    swapped = (*phonemes[:-2], phonemes[-1], phonemes[-2])
    for other, quoted in (((*phonemes, "Q"), "with Q"), (swapped, "in the order")):
        config = dataclasses.replace(tiny_config, text=TextConfig(phonemes=other))
        with pytest.raises(ValueError, match=f"phonemes .*{quoted}"):
            info.check_config(config)


def test_missing_folder_and_missing_file_are_told_apart(tmp_path):
    with pytest.raises(FileNotFoundError, match="No dataset folder"):
        DatasetInfo.load(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match=r"tfrecords_tools\.build"):
        DatasetInfo.load(tmp_path)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schema_version": 99}, "expected schema_version 1, got 99"),
        ({"schema_version": None}, "expected schema_version 1, got None"),
        ({"splits": None}, "splits"),
        ({"splits": {"train": {}}}, "num_utterances"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_invalid_contents_are_refused_naming_file_and_field(dataset, changes, message):
    edit(dataset, **changes)
    with pytest.raises(ValueError, match=message) as caught:
        DatasetInfo.load(dataset)
    assert str(dataset / FILE_NAME) in str(caught.value)


def test_half_a_file_is_refused(dataset):
    path = dataset / FILE_NAME
    path.write_text(path.read_text()[:200])
    with pytest.raises(ValueError, match="not valid JSON"):
        DatasetInfo.load(dataset)


def test_missing_shard_is_named(dataset):
    info = DatasetInfo.load(dataset)
    (path,) = info.shard_paths("train")
    path.unlink()
    with pytest.raises(FileNotFoundError, match=r"train-00000\.tfrecord is missing"):
        info.shard_paths("train")


def test_one_changed_byte_of_a_shard_is_found(dataset):
    info = DatasetInfo.load(dataset)
    info.check_shards("train")
    (path,) = info.shard_paths("train")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"train-00000\.tfrecord is damaged"):
        info.check_shards("train")


def test_unknown_and_empty_splits_are_refused(dataset):
    with pytest.raises(ValueError, match=r"no split 'test'.*train, validation"):
        DatasetInfo.load(dataset).shard_paths("test")
    splits = json.loads((dataset / FILE_NAME).read_text())["splits"]
    splits["validation"] = {"num_utterances": 0, "hours": 0.0, "shards": []}
    edit(dataset, splits=splits)
    with pytest.raises(ValueError, match="'validation' has no utterances"):
        DatasetInfo.load(dataset).shard_paths("validation")
