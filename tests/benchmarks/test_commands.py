"""Every benchmark runs at the tiny preset and prints figures that make sense."""

import re

import pytest

from benchmarks import decoder, pipeline, records, synthesis, training
from wg2.presets import TINY

COMMANDS = {
    "decoder": decoder,
    "pipeline": pipeline,
    "synthesis": synthesis,
    "training": training,
}


def rows(text, *names):
    """The figures of the table's rows that begin with these names."""
    lines = text.splitlines()
    found = []
    for name in names:
        (line,) = [x for x in lines if re.match(rf"{re.escape(name)}  ", x)]
        found.append([float(x.rstrip("%")) for x in line[len(name) :].split()])
    return found


def run(capsys, module, *arguments):
    assert module.main(["--config", "tiny", "--repetitions", "2", *arguments]) == 0
    output = capsys.readouterr().out
    assert "TensorFlow" in output and "cores" in output
    return output


def test_decoder_is_slower_than_its_matmul_peak(capsys):
    output = run(
        capsys,
        decoder,
        *("--seconds", "0.2", "--matmul-size", "512", "--precision", "float32"),
    )
    names = ("float32 matmul", "float32 forward", "float32 forward + backward")
    peak, forward, both = rows(output, *names)
    assert peak[3] == 100
    assert 0 < forward[3] < 100 and 0 < both[3] < 100
    assert both[1] >= 0 and both[4] > 0


def test_pipeline_reads_no_faster_than_the_plain_reader(capsys):
    output = run(capsys, pipeline, "--utterances", "64")
    plain, batches = rows(output, "TFRecordDataset, not parsed", "training batches")
    assert plain[3] == 1
    assert 0 < batches[3] < 1
    # records/s and audio hours/s of one dataset go together, up to their rounding.
    assert batches[1] / batches[0] == pytest.approx(plain[1] / plain[0], rel=0.1)


def test_synthesis_takes_longer_than_its_decoder_and_noise(capsys):
    output = run(capsys, synthesis, "--steps", "3", "--batch-sizes", "1", "2")
    one, two = (
        [float(x.rstrip("%")) for x in line.split()]
        for line in output.splitlines()
        if re.match(r"[12] +3 ", line)
    )
    assert two[2] == pytest.approx(2 * one[2], rel=0.05)
    for row in (one, two):
        assert row[5] > 0.9
        assert 0 < row[6] < 100


@pytest.mark.slow
def test_training_splits_a_step_into_parts(capsys):
    output = run(
        capsys, training, "--utterances", "16", "--batches", "8", "--set", "name=x"
    )
    full, cached, no_decoder, lstms, read = rows(
        output,
        "full step",
        "full step, batches in memory",
        "step without the decoder",
        "LSTMs alone, forward + backward",
        "input pipeline alone",
    )
    assert full[2] == 1
    assert lstms[2] > 0 and 0 < read[2] < cached[2]
    assert no_decoder[2] < 1


def test_noise_records_have_the_lengths_of_speech(tmp_path):
    info = records.write_records(tmp_path, TINY, 50)
    assert info.num_utterances == 50
    seconds = 3600 * sum(split.hours for split in info.splits.values())
    assert 5 < seconds / 50 < 8
    assert info.max_frames / info.frames_per_second < 10.2
    assert info.min_frames / info.frames_per_second > 1.0
    per_second = sum(info.phoneme_counts.values()) / (3600 * info.split("train").hours)
    assert 12 < per_second < 16


@pytest.mark.parametrize("name", COMMANDS)
def test_bad_config_is_one_line_and_status_2(name, capsys):
    assert COMMANDS[name].main(["--config", "nothing"]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith(f"{name}: ") and captured.err.count("\n") == 1
