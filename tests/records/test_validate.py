"""Datasets broken in one way each: exactly the check for it must fire."""

from __future__ import annotations

import dataclasses
import json
import math
import shutil

import numpy as np
import pytest
import tensorflow as tf

from tests import handmade
from tfrecords_tools import validate
from tfrecords_tools.inspection import shards
from tfrecords_tools.inspection.findings import CHECKS, ERRORS, Findings, Limits
from tfrecords_tools.inspection.utterance_statistics import longest_run, measure
from wg2.data import schema
from wg2.data.dataset import DatasetInfo

FRAME = 40
"""Samples; there are 200 frames a second."""


def run(directory, *options):
    return validate.main([str(directory), *map(str, options)])


def found(directory, tmp_path, *options):
    """Exit code, and the findings, which the JSON file has in full."""
    path = tmp_path / "findings.json"
    code = run(directory, "--json", path, *options)
    values = json.loads(path.read_text(encoding="utf-8"))
    assert sum(values["counts"].values()) == len(values["findings"])
    assert values["errors"] + values["warnings"] == len(values["findings"])
    return code, values["findings"]


def sound_records(count=6, prefix="utt"):
    return [handmade.record(f"{prefix}-{i}") for i in range(count)]


def only(directory, tmp_path, check):
    """The findings, all of which must be of one check, with the right exit code."""
    code, findings = found(directory, tmp_path)
    assert {finding["check"] for finding in findings} == {check}
    level = "error" if check in ERRORS else "warning"
    assert {finding["level"] for finding in findings} == {level}
    assert code == (1 if level == "error" else 0)
    return findings


@pytest.fixture
def broken(tmp_path):
    """Writes a dataset with one more record, or other changes, and checks it."""

    def check(kind, extra=(), validation=None, **changes):
        validation = sound_records(1, "val") if validation is None else validation
        handmade.write(
            tmp_path / "records", [*sound_records(), *extra], validation, **changes
        )
        return only(tmp_path / "records", tmp_path, kind)

    return check


def test_sound_dataset_passes_even_strictly(tmp_path, capsys):
    handmade.write(tmp_path / "records", sound_records(), sound_records(1, "val"))
    assert found(tmp_path / "records", tmp_path, "--strict") == (0, [])
    assert "7 utterances" in capsys.readouterr().out


def test_what_build_writes_has_no_errors(tiny_dataset, tmp_path):
    code, findings = found(tiny_dataset, tmp_path)
    assert code == 0
    # A corpus of 16 words lacks phonemes, says its texts again, and speaks fast.
    assert {f["check"] for f in findings} <= {"unseen-phoneme", "validation-phoneme"}


def test_flipped_byte_is_located_and_the_other_shards_are_read(tmp_path, capsys):
    records = [*sound_records(8), handmade.record("quiet", audio=quiet_audio())]
    handmade.write(tmp_path / "records", records, sound_records(1, "val"), shard_size=4)
    path = tmp_path / "records" / "train-00000.tfrecord"
    sizes = [len(serialized) + 16 for serialized in shards.read(path)]
    data = bytearray(path.read_bytes())
    data[sum(sizes[:2]) + 300] ^= 1
    path.write_bytes(data)
    code, findings = found(tmp_path / "records", tmp_path)
    assert code == 1
    (damage,) = [f for f in findings if f["level"] == "error"]
    assert (damage["check"], damage["shard"]) == ("damaged-shard", path.name)
    assert f"record 2, at byte {sum(sizes[:2])}, is corrupted" in damage["message"]
    assert "2 of 4 utterances are lost" in damage["message"]
    # In the third shard.
    assert [f["id"] for f in findings if f["check"] == "nearly-silent"] == ["quiet"]
    assert "were not compared" in capsys.readouterr().out


def quiet_audio():
    return (handmade.record("any").audio / 200).astype(np.int16)


@pytest.mark.parametrize(
    ("change", "part"),
    [
        (lambda data, size: data[:-50], "record 3, at byte"),
        (lambda data, size: data[:-size], "3 records can be read (4 are listed)"),
        (lambda data, size: data + data[-size:], "5 records can be read"),
        (lambda data, size: b"", "its 0 records can be read"),
        (lambda data, size: b"no records at all", "record 0, at byte 0"),
    ],
)
def test_cut_or_rewritten_shard(tmp_path, change, part):
    handmade.write(
        tmp_path / "records", sound_records(), sound_records(1, "val"), shard_size=4
    )
    path = tmp_path / "records" / "train-00000.tfrecord"
    *_, last = shards.read(path)
    path.write_bytes(change(path.read_bytes(), len(last) + 16))
    _, findings = found(tmp_path / "records", tmp_path, "--ignore", "duplicate-id")
    (finding,) = findings
    assert finding["check"] == "damaged-shard"
    assert part in finding["message"]


def test_missing_shard(tmp_path):
    handmade.write(
        tmp_path / "records", sound_records(), sound_records(1, "val"), shard_size=4
    )
    (tmp_path / "records" / "train-00001.tfrecord").unlink()
    (finding,) = only(tmp_path / "records", tmp_path, "missing-shard")
    assert finding["shard"] == "train-00001.tfrecord"


def test_file_that_nothing_reads(tmp_path):
    handmade.write(
        tmp_path / "records", sound_records(), sound_records(1, "val"), shard_size=4
    )
    shutil.copy(
        tmp_path / "records" / "train-00001.tfrecord",
        tmp_path / "records" / "train-00002.tfrecord",
    )
    (finding,) = only(tmp_path / "records", tmp_path, "unlisted-file")
    assert "train-00002.tfrecord" in finding["message"]


def test_shard_with_fewer_records_than_listed(tmp_path):
    info = handmade.write(
        tmp_path / "records", sound_records(), sound_records(1, "val"), shard_size=4
    )
    values = json.loads((info.directory / "dataset.json").read_text())
    values["splits"]["train"]["shards"][0]["num_utterances"] = 5
    (info.directory / "dataset.json").write_text(json.dumps(values))
    (finding,) = only(info.directory, tmp_path, "shard-count")
    assert "4 records, 5 listed" in finding["message"]


def serialized(**changes):
    """A record with other features; None leaves one out."""
    example = tf.train.Example.FromString(schema.encode(handmade.record("odd")))
    for name, value in changes.items():
        del example.features.feature[name]
        if value is None:
            continue
        feature = example.features.feature[name]
        if isinstance(value, bytes):
            feature.bytes_list.value.append(value)
        else:
            feature.int64_list.value.extend(value)
    return example.SerializeToString()


@pytest.mark.parametrize(
    ("kind", "raw", "part"),
    [
        ("unreadable-record", b"\xff\xff\xff", "no serialized"),
        ("unreadable-record", b"abc", "no serialized"),
        ("unreadable-record", serialized(num_frames=None), "num_frames"),
        ("unreadable-record", serialized(speaker_id=[0, 0]), "speaker_id"),
        ("unreadable-record", serialized(durations=b"16"), "durations"),
        ("unreadable-record", serialized(text=b"\xff"), "`text` is not UTF-8"),
        ("schema-version", serialized(schema_version=[2]), "expected schema_version 1"),
        ("empty-id", serialized(id=b""), "must not be empty"),
        ("phonemes", serialized(phoneme_ids=[2, 4]), "equally many"),
        ("phonemes", serialized(phoneme_ids=None, durations=None), "at least one"),
        ("phonemes", serialized(phoneme_ids=[8] * 16), "the inventory has 8"),
        ("durations", serialized(num_frames=[311]), "sum to 312"),
        ("durations", serialized(durations=[-1] * 16), "negative"),
        ("audio-length", serialized(audio=bytes(2 * 312 * 40 - 2)), "312 frames"),
        ("audio-length", serialized(audio=bytes(2 * 312 * 40 - 1)), "not int16"),
        ("speaker", serialized(speaker_id=[1]), "speaker_id=1"),
    ],
)
def test_every_field_of_a_record_is_checked(tmp_path, broken, kind, raw, part):
    (finding,) = broken(kind, [raw])
    assert "train-00000.tfrecord, record 6" in finding["message"]
    assert part in finding["message"]
    assert len(finding["message"]) < 400


def with_audio(change, id="odd"):
    record = handmade.record(id)
    audio = record.audio.copy()
    change(audio)
    return handmade.record(id, audio=audio)


def labelled(phoneme_ids, durations, quiet=(2, 3), **changes):
    """A record of these labels: noise, and silence where an id is in `quiet`."""
    durations = np.array(durations)
    audio = np.random.default_rng(7).normal(0, 3000, durations.sum() * FRAME)
    audio[np.repeat(np.isin(phoneme_ids, quiet), durations * FRAME)] = 0
    return handmade.record(
        "odd",
        phoneme_ids=np.array(phoneme_ids),
        durations=durations,
        num_frames=int(durations.sum()),
        audio=audio.astype(np.int16),
        **changes,
    )


def set_to(value, part):
    def change(audio):
        audio[part] = value

    return change


SOUNDS = [4, 5, 6, 7, 4, 5, 6, 7, 4, 5]


@pytest.mark.parametrize(
    ("kind", "record", "part"),
    [
        ("all-zero", with_audio(set_to(0, slice(None))), "12480 samples"),
        ("nearly-silent", handmade.record("odd", audio=quiet_audio()), "dBFS"),
        ("clipping", with_audio(set_to(32767, slice(3000, 3003))), "3 samples in a"),
        ("clipping", with_audio(set_to(-32768, slice(3000, 3005))), "5 samples in a"),
        ("dc-offset", handmade.record("odd", audio=handmade.record("o").audio + 400),
         "+0.011"),
        ("silence-at-ends", labelled([2, *SOUNDS, 2], [210, *[16] * 10, 0]),
         "1.05 s before"),
        ("silence-at-ends", labelled([2, *SOUNDS, 2], [0, *[16] * 10, 222]),
         "1.11 s after"),
        ("silence-inside", labelled([2, 4, 3, *SOUNDS], [9, 16, 320, *[16] * 10]),
         "1.60 s from 0.12"),
        ("zero-phoneme", labelled([2, *SOUNDS], [9, 0, *[16] * 9]), "1 of 10"),
        ("long-phoneme", labelled([2, *SOUNDS, 6], [0, *[8] * 10, 202]),
         "D of 1.01 s at 0.40 s"),
        ("sound-in-pause", labelled([2, *SOUNDS, 3, *SOUNDS],
                                    [9, *[16] * 10, 60, *[16] * 10], quiet=(2,)),
         "the pause ',' of 0.30 s at 0.84"),
        ("speaking-rate", labelled([2, *SOUNDS], [9, *[60] * 10]), "3.3 speech"),
        ("speaking-rate", labelled([2, *SOUNDS], [9, *[7] * 10]), "28.6 speech"),
        ("padding", labelled([2, 0, *SOUNDS], [9, 16, *[16] * 10]), "1 times <pad>"),
        ("empty-text", handmade.record("odd", text=" "), "empty"),
    ],
)  # fmt: skip
def test_odd_utterance(broken, kind, record, part):
    (finding,) = broken(kind, [record])
    assert finding["id"] == "odd"
    assert finding["split"] == "train"
    assert part in finding["message"]


@pytest.mark.parametrize(
    ("options", "code"),
    [([], 0), (["--strict"], 1), (["--strict", "--ignore", "clipping"], 0)],
)
def test_warnings_fail_only_strictly_and_unless_ignored(tmp_path, options, code):
    odd = with_audio(set_to(32767, slice(3000, 3003)))
    handmade.write(tmp_path / "records", [*sound_records(), odd], sound_records(1, "v"))
    assert run(tmp_path / "records", *options) == code


def test_limits_can_be_moved(tmp_path):
    odd = labelled([2, *SOUNDS, 6], [0, *[8] * 10, 202])
    handmade.write(
        tmp_path / "records", [*sound_records(), odd], sound_records(1, "val")
    )
    assert run(tmp_path / "records", "--strict") == 1
    limit = ("--limit", "phoneme_seconds=1.1")
    assert run(tmp_path / "records", "--strict", *limit) == 0
    assert Limits().override("rate_phonemes=3", "dc_offset=0.1") == Limits(
        rate_phonemes=3, dc_offset=0.1
    )


def test_two_samples_at_full_scale_are_chance(tmp_path):
    odd = with_audio(set_to(32767, [3000, 3001, 4000, 5000]))
    handmade.write(
        tmp_path / "records", [*sound_records(), odd], sound_records(1, "val")
    )
    assert found(tmp_path / "records", tmp_path) == (0, [])


def test_id_twice_in_a_split(broken):
    (finding,) = broken("duplicate-id", [handmade.record("utt-3", seed=99)])
    assert finding["id"] == "utt-3"


def test_utterance_in_both_splits(broken):
    (finding,) = broken("id-in-both-splits", validation=[handmade.record("utt-3")])
    assert finding["id"] == "utt-3"


def test_recording_in_both_splits(broken):
    (finding,) = broken(
        "audio-in-both-splits",
        validation=[handmade.record("val", audio=handmade.record("utt-3").audio)],
    )
    assert finding["id"] == "val"
    assert "utt-3" in finding["message"]


def test_recording_twice_in_a_split(broken):
    audio = handmade.record("utt-3").audio
    extra = [handmade.record(id, audio=audio) for id in ("zz-1", "zz-2")]
    (finding,) = broken("duplicate-audio", extra)
    assert finding["id"] == "utt-3"
    assert "zz-2 and 1 more" in finding["message"]


def test_text_in_both_splits_matters_for_one_speaker_only(tmp_path):
    config = handmade.config(speakers=("ann", "bob"))
    train = [*sound_records(), handmade.record("bob-1", speaker_id=1)]
    text = train[3].text
    for speaker_id, findings in ((0, ["text-in-both-splits"]), (1, [])):
        validation = [handmade.record("val", text=text, speaker_id=speaker_id)]
        directory = tmp_path / str(speaker_id)
        handmade.write(directory, train, validation, config=config)
        assert [f["check"] for f in found(directory, tmp_path)[1]] == findings


def test_empty_validation(broken):
    broken("empty-validation", validation=[])


def test_phonemes_of_validation_alone_and_of_nobody(tmp_path):
    config = handmade.config(phonemes=(*handmade.config().text.phonemes, "Z", "ZH"))
    ids = handmade.record("any").phoneme_ids
    other = handmade.record("val", phoneme_ids=np.where(ids == 7, 8, ids))
    handmade.write(tmp_path / "records", sound_records(), [other], config=config)
    code, findings = found(tmp_path / "records", tmp_path)
    assert code == 0
    assert [(f["check"], f["message"].split(":")[0]) for f in findings] == [
        ("validation-phoneme", "Z"),
        ("unseen-phoneme", "ZH"),
    ]


def test_speaker_without_utterances(broken):
    (finding,) = broken("unheard-speaker", config=handmade.config(("ann", "bob")))
    assert finding["message"] == "bob"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_frames", 311),
        ("max_frames", 313),
        ("audio_rms", 0.08),
        ("corpus_hash", "0" * 64),
        ("phoneme_counts", {"<eos>": 6, "sil": 12, ",": 6, "AA1": 18, "B": 18, "D": 18,
                            "S": 17}),
    ],
)  # fmt: skip
def test_figures_of_dataset_json_are_compared(broken, name, value):
    (finding,) = broken("dataset-figures", **{name: value})
    assert finding["message"].startswith(name)


@pytest.mark.parametrize(("name", "value"), [("num_utterances", 5), ("hours", 0.003)])
def test_figures_of_splits_are_compared(tmp_path, name, value):
    info = handmade.write(
        tmp_path / "records", sound_records(), sound_records(1, "val")
    )
    values = json.loads((info.directory / "dataset.json").read_text())
    values["splits"]["train"][name] = value
    (info.directory / "dataset.json").write_text(json.dumps(values))
    (finding,) = only(info.directory, tmp_path, "dataset-figures")
    assert finding["message"].startswith(f"splits.train.{name}")


def test_dataset_json_must_agree_with_its_config(broken):
    # One speaker, so that no record contradicts it.
    (finding,) = broken(
        "dataset-config", config=handmade.config(("ann",)), speakers=("bob",)
    )
    assert "'bob'" in finding["message"]
    assert "'ann'" in finding["message"]


def test_table_counts_everything_and_shows_the_first(tmp_path, capsys):
    extra = [handmade.record(f"q-{i}", text="") for i in range(7)]
    handmade.write(
        tmp_path / "records", [*sound_records(), *extra], sound_records(1, "val")
    )
    capsys.readouterr()
    assert run(tmp_path / "records", "--examples", 2) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[:3] == ["warning", "7", "empty-text:"]
    assert [line.split(":")[0].strip() for line in lines[1:3]] == ["q-0", "q-1"]
    assert lines[3].strip() == "and 5 more"
    assert lines[-1].endswith("0 errors, 7 warnings")


def test_control_characters_of_an_id_do_not_reach_the_terminal(tmp_path, capsys):
    extra = [handmade.record("a\x1b[31m\nb", text="")]
    handmade.write(
        tmp_path / "records", [*sound_records(), *extra], sound_records(1, "val")
    )
    assert run(tmp_path / "records") == 0
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "a [31m b" in out


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["/nowhere/at/all"], ("/nowhere/at/all",)),
        (["DATA", "--ignore", "everything"], ("everything", "clipping")),
        (["DATA", "--limit", "loudness=3"], ("loudness=3", "phoneme_seconds")),
        (["DATA", "--limit", "dc_offset=much"], ("dc_offset=much",)),
        (["DATA", "--limit", "dc_offset=nan"], ("dc_offset=nan",)),
        (["DATA", "--examples", "-1"], ("--examples", "-1")),
        (["DATA", "--json", "DATA"], ("DATA",)),
    ],
)
def test_bad_options_are_one_line(tiny_dataset, capsys, options, parts):
    options = [str(tiny_dataset) if o == "DATA" else o for o in options]
    parts = [str(tiny_dataset) if p == "DATA" else p for p in parts]
    assert validate.main(options) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("validate: ")
    for part in parts:
        assert part in line


def test_folder_without_readable_dataset_json_is_exit_code_2(tmp_path, capsys):
    assert run(tmp_path) == 2
    (tmp_path / "dataset.json").write_text('{"schema_version": 7}')
    assert run(tmp_path) == 2
    for line in capsys.readouterr().err.splitlines():
        assert str(tmp_path) in line


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"samples_per_frame": 0}, "samples_per_frame"),
        ({"sample_rate_hz": "8000"}, "sample_rate_hz"),
        ({"audio_rms": None}, "audio_rms"),
        ({"max_frames": -1}, "max_frames"),
        ({"phoneme_counts": {"sil": 1.5}}, "phoneme_counts['sil']"),
        ({"phoneme_counts": []}, "items"),
        ({"splits": {"train": {}}}, "num_utterances"),
    ],
)
def test_dataset_json_with_a_wrong_type_is_exit_code_2(tmp_path, capsys, change, part):
    info = handmade.write(tmp_path / "records", sound_records(1))
    path = info.directory / "dataset.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    assert run(info.directory) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(path) in line
    assert part in line


def test_list_of_checks_is_complete(capsys):
    with pytest.raises(SystemExit) as exit:
        validate.main(["--checks"])
    assert exit.value.code == 0
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    assert set(CHECKS) <= set(listed)
    with pytest.raises(KeyError):
        Findings().add("no such check", "")


def test_figures_of_an_utterance_in_closed_form(tmp_path):
    info = handmade.write(tmp_path / "records", sound_records(2))
    times = np.arange(16 * FRAME)
    sine = 16384 * np.sin(2 * np.pi * times / 32)  # period divides a sound's length
    audio = np.concatenate(
        [np.zeros(10 * FRAME), sine, np.zeros(30 * FRAME), sine, np.zeros(20 * FRAME)]
    )
    record = handmade.record(
        "sine",
        phoneme_ids=np.array([2, 4, 3, 5, 2, 1]),
        durations=np.array([10, 16, 30, 16, 20, 0]),
        num_frames=92,
        audio=np.rint(audio).astype(np.int16),
    )
    statistics = measure(record, DatasetInfo.load(info.directory))
    assert statistics.seconds == pytest.approx(0.46)
    assert statistics.num_phonemes == 2
    assert statistics.phonemes_per_second == pytest.approx(2 / 0.16)
    mean_square = 0.5**2 / 2 * 32 / 92
    assert statistics.rms_dbfs == pytest.approx(10 * math.log10(mean_square), abs=1e-3)
    assert statistics.peak_dbfs == pytest.approx(20 * math.log10(0.5), abs=1e-3)
    assert statistics.dc_offset == pytest.approx(0, abs=1e-6)
    assert statistics.start_silence_seconds == pytest.approx(0.05)
    assert statistics.end_silence_seconds == pytest.approx(0.1)
    assert statistics.inner_silence.start_seconds == pytest.approx(0.13)
    assert statistics.inner_silence.seconds == pytest.approx(0.15)
    assert statistics.longest_phoneme.symbol == "AA1"
    assert statistics.longest_pause.seconds == pytest.approx(0.15)
    np.testing.assert_allclose(statistics.pauses_seconds, [0.15])
    assert statistics.loudest_pause_db == -math.inf


def test_offset_hides_neither_silence_nor_level(tmp_path):
    info = handmade.write(tmp_path / "records", sound_records(1))
    plain = labelled([2, 4, 3, *SOUNDS], [9, 16, 320, *[16] * 10])
    moved = with_audio_of(plain, plain.audio + 1000)
    first, second = measure(plain, info), measure(moved, info)
    assert second.dc_offset - first.dc_offset == pytest.approx(1000 / 32768)
    assert second.rms_dbfs == pytest.approx(first.rms_dbfs, abs=1e-3)
    assert second.inner_silence == first.inner_silence
    assert second.inner_silence.seconds == pytest.approx(1.6)


def with_audio_of(record, audio):
    return dataclasses.replace(record, audio=audio.astype(np.int16))


def test_inventory_without_padding_is_a_finding(tmp_path):
    phonemes = ("sil0", *handmade.config().text.phonemes[1:])
    handmade.write(
        tmp_path / "records",
        sound_records(2),
        phonemes=phonemes,
        phoneme_counts=dict(zip(phonemes, (0, 2, 4, 2, 6, 6, 6, 6), strict=True)),
    )
    _, findings = found(tmp_path / "records", tmp_path, "--ignore", "unseen-phoneme")
    assert {f["check"] for f in findings} == {"dataset-config", "empty-validation"}


def test_longest_run_of_random_flags_agrees_with_a_loop():
    generator = np.random.default_rng(1)
    for density in (0.0, 0.3, 0.7, 1.0):
        for length in (1, 2, 50):
            flags = generator.random(length) < density
            best = (0, 0)
            for start in range(length):
                for end in range(start + 1, length + 1):
                    if flags[start:end].all() and end - start > best[1]:
                        best = (start, end - start)
            assert longest_run(flags) == best
