"""`python -m wg2.train`: what it refuses, and runs through real processes."""

from __future__ import annotations

import errno
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from tests.training import setup
from wg2.models.weights import get_weights
from wg2.train import main
from wg2.training import commands
from wg2.training import run as runs
from wg2.training.checkpoints import CheckpointStore, save_arrays
from wg2.training.trainer import NonFiniteLossError
from wg2.voice import Card, Voice


def arguments(*extra: object, **options: object) -> list[str]:
    """Command line arguments; options by their names with underscores."""
    named = [(f"--{n.replace('_', '-')}", str(v)) for n, v in options.items()]
    return [word for pair in named for word in pair] + [str(word) for word in extra]


def fails(capsys, argv: list[str], *quoted: str) -> None:
    """Exit code 2 and one line that has these words."""
    assert main(argv) == 2
    out, err = capsys.readouterr()
    lines = [line for line in err.splitlines() if line.startswith("train: ")]
    assert len(lines) == 1 and err.rstrip().endswith(lines[0]), err
    assert "Traceback" not in err and not out
    for words in quoted:
        assert words in lines[0]


@pytest.fixture
def config_file(tmp_path) -> Path:
    path = tmp_path / "mini.json"
    setup.TINY.override(*setup.MINI).save(path)
    return path


@pytest.fixture
def new(records, tmp_path, config_file) -> list[str]:
    """The arguments of a new run."""
    return arguments(
        "--no-progress", config=config_file, data=records, run_dir=tmp_path / "run"
    )


@pytest.mark.parametrize(
    ("extra", "quoted"),
    [
        (["--steps", "0"], "--steps must be at least 1"),
        (["--steps", "5", "--resume"], "leave out --config"),
        (["--steps", "5", "--strategy", "many"], "Unknown strategy 'many'"),
        (["--steps", "5", "--strategy", "multi-worker"], "TF_CONFIG"),
        (["--steps", "5", "--tpu", "x", "--strategy", "one"], "--tpu x needs"),
        (["--steps", "5", "--set", "training.batchsize=3"], "`training.batch_size`"),
        (["--steps", "5", "--set", "text.speakers=[ann,bob]"], "speakers is ()"),
        (["--steps", "5", "--init-from", "nowhere"], "nowhere is not a voice"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(capsys, new, extra, quoted):
    fails(capsys, [*new, *extra], quoted)


def test_new_run_needs_a_config_and_resuming_a_run(capsys, records, tmp_path):
    here = arguments(data=records, run_dir=tmp_path, steps=5)
    fails(capsys, here, "--config is needed")
    fails(capsys, [*here, "--resume"], "holds no training run")
    fails(capsys, [*here, "--resume", "--seed", "1"], "leave out --seed")
    fails(capsys, [*here, "--config", "huge"], "preset (base, large")
    missing = arguments(data=tmp_path / "no", run_dir=tmp_path, steps=5, config="tiny")
    fails(capsys, missing, "No dataset folder")


def test_corpus_of_another_rate_is_refused_quoting_both(capsys, records, tmp_path):
    argv = arguments(data=records, run_dir=tmp_path / "r", steps=5, config="small")
    fails(capsys, argv, "sample_rate_hz is 8000 in the records, 16000 in the config")
    assert not (tmp_path / "r").exists()


def test_missing_shard_is_named(capsys, records, new, tmp_path):
    copy = shutil.copytree(records, tmp_path / "copy")
    (copy / "train-00001.tfrecord").unlink()
    new[new.index("--data") + 1] = str(copy)
    fails(capsys, [*new, "--steps", "5"], "train-00001.tfrecord is missing")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[1]",
        '{"cluster": {"worker": ["a:1"]}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "worker", "index": 1}}',
        '{"cluster": {"worker": ["a"]}, "task": {"type": "worker", "index": 0}}',
        '{"cluster": {"worker": ["a:1"]}, "task": {"type": "evaluator", "index": 0}}',
    ],
)
def test_wrong_cluster_is_refused(capsys, new, monkeypatch, text):
    monkeypatch.setenv("TF_CONFIG", text)
    fails(capsys, [*new, "--steps", "5"], "TF_CONFIG must be JSON", text)


def test_other_corpus_is_refused_when_resuming(capsys, records, tmp_path, info):
    config = setup.tiny(info)
    runs.start_run(tmp_path, config, info, 0)
    path = tmp_path / "run.json"
    values = json.loads(path.read_text())
    path.write_text(json.dumps({**values, "corpus_hash": "123"}))
    argv = arguments("--resume", data=records, run_dir=tmp_path, steps=5)
    fails(capsys, argv, "another corpus", "--init-from")


@pytest.mark.parametrize(
    ("error", "quoted"),
    [
        (NonFiniteLossError("the loss became nan at step 3"), "nan at step 3"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left"),
        (ValueError("a damaged shard"), "a damaged shard"),
        (
            tf.errors.ResourceExhaustedError(None, None, "no 9 GB\nthere"),
            "lower training.batch_size (ResourceExhaustedError: no 9 GB)",
        ),
    ],
)
def test_training_that_cannot_go_on_ends_in_one_line(
    capsys, new, monkeypatch, error, quoted
):
    def train(self, steps):
        raise error

    monkeypatch.setattr(runs.TrainingRun, "train", train)
    fails(capsys, [*new, "--steps", "5"], quoted)


def test_cause_of_a_lost_worker_is_found_in_tensorflows_report():
    error = tf.errors.UnavailableError(
        None, None, "Graph execution error:\n\nops is aborted by: Socket closed\nMore"
    )
    assert commands._reason(error) == "UnavailableError: Socket closed"
    line = commands._explain(error, multi_worker=True)
    assert "another worker failed" in line and "--resume" in line
    assert commands._explain(error, multi_worker=False) == ""


def test_fine_tuning_can_resume_before_its_first_checkpoint(
    new, monkeypatch, tmp_path, records, info
):
    """The weights it started from are in a checkpoint of step 0."""
    source = setup.make_trainer(info, *setup.MINI, seed=9)
    weights = get_weights(source.model)
    card = Card("v", "en-US", "none", {}, "0", 1)
    Voice(source.config, weights, card).save(tmp_path / "v")
    monkeypatch.setattr(runs.TrainingRun, "train", lambda self, steps: False)
    assert main([*new, "--steps", "5", "--init-from", str(tmp_path / "v")]) == 0
    arrays, state = CheckpointStore(tmp_path / "run").load()
    assert state["step"] == 0
    for name, value in weights.items():
        np.testing.assert_array_equal(arrays["model/" + name], value)
    resumed = {}

    def remember(self, steps):
        resumed.update(self.trainer.state_arrays())
        return False

    monkeypatch.setattr(runs.TrainingRun, "train", remember)
    argv = arguments("--resume", data=records, run_dir=tmp_path / "run", steps=5)
    assert main(argv) == 0
    assert max(setup.differences(arrays, resumed).values()) == 0.0


def test_help_of_every_command_is_instant():
    script = """
import sys
from wg2 import synthesize, train, voice
for tool in (train, synthesize, voice):
    try:
        tool.main(["--help"])
    except SystemExit as end:
        assert end.code == 0
heavy = {"tensorflow", "keras", "scipy", "matplotlib", "soundfile"} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=setup.ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "--run-dir" in done.stdout and "--schedule" in done.stdout


# -- real processes ---------------------------------------------------------


PATIENCE_SECONDS = 600  # others may be busy with the machine


@pytest.fixture
def processes():
    """Those that a test started; none outlives it."""
    started = []
    yield started
    for process in started:
        process.kill()
        process.wait()


def wait_for(log: Path, words: str, process, seconds: float = PATIENCE_SECONDS) -> None:
    end = time.monotonic() + seconds
    while words not in log.read_text():
        assert process.poll() is None, log.read_text()[-3000:]
        assert time.monotonic() < end, log.read_text()[-3000:]
        time.sleep(0.05)


@pytest.mark.slow
def test_interrupted_and_resumed_training_equals_uninterrupted(
    records, tmp_path, config_file, processes
):
    """SIGTERM, resume, SIGINT; with dropout, zoneout, epochs and a mel phase."""
    folder, log = tmp_path / "run", tmp_path / "log"
    common = arguments("--no-progress", data=records, strategy="one")
    settings = [
        "--set=training.log_interval=1",
        "--set=training.mel_phase_steps=6",
        "--set=training.validation_interval=100000",
        "--set=training.checkpoint_interval=100000",
        "--seed=5",
        f"--config={config_file}",
    ]

    def train(*extra):
        command = ["-m", "wg2.train", *common, "--run-dir", folder, *extra]
        processes.append(setup.spawn_python(command, log))
        return processes[-1]

    steps = []
    for number, extra in ((signal.SIGTERM, settings), (signal.SIGINT, ["--resume"])):
        process = train("--steps=100000", *extra)
        last = steps[-1] if steps else 0
        wait_for(log, f"step {last + 3}/", process)
        process.send_signal(number)
        assert process.wait(PATIENCE_SECONDS) == 0, log.read_text()[-3000:]
        assert f"{number.name}: finishing the step" in log.read_text()
        assert "Traceback" not in log.read_text()
        steps.append(CheckpointStore(folder).steps()[-1])
        assert not (folder / "voice").exists()
    final = steps[-1]
    arrays, state = CheckpointStore(folder).load(final)
    assert state["step"] == final and state["seed"] == 5

    straight = ["--run-dir", str(tmp_path / "straight"), f"--steps={final}"]
    assert main([*common, *straight, *settings]) == 0
    assert Voice.load(tmp_path / "straight" / "voice").card.steps == final
    expected, _ = CheckpointStore(tmp_path / "straight").load(final)
    change = setup.differences(expected, arrays)
    print(f"interrupted at {steps}, {final} steps: {max(change.values()):.2g}")
    # Not zero: on a busy machine threads sum in another order.
    assert max(change.values()) < 1e-3, max(change, key=change.get)


@pytest.mark.slow
def test_weights_that_became_nan_stop_training_with_exit_code_2(
    records, tmp_path, config_file, info, capsys
):
    config = setup.tiny(info, *setup.MINI)
    trainer = setup.make_trainer(info, *setup.MINI)
    runs.start_run(tmp_path / "run", config, info, 0)
    runs.TrainingRun(trainer, tmp_path / "run", progress=False).save()
    path = tmp_path / "run/checkpoints/step-00000000/arrays.npz"
    arrays = trainer.state_arrays()
    name = "model/decoder/output/kernel"
    save_arrays(path, {**arrays, name: np.full_like(arrays[name], np.nan)})
    argv = arguments("--resume", data=records, run_dir=tmp_path / "run", steps=5)
    fails(capsys, argv, "nan at step 0", "utt-00", "learning_rate")
    assert CheckpointStore(tmp_path / "run").steps() == [0]
