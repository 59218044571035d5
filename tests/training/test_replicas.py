"""Replicas and workers train what one device trains, and a lost worker is told.

Without dropout and zoneout, whose draws are each replica's own.
"""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from tests.training import setup
from wg2.training.checkpoints import CheckpointStore, load_arrays
from wg2.voice import Voice

pytestmark = pytest.mark.slow  # six processes start TensorFlow

# Long windows: some clips are shorter. The norm of every gradient is above the limit.
# Adam makes steps of full size of the rounding errors where a gradient is truly 0 (a
# bias before batch normalization), unless its epsilon is above them.
SETTINGS = (
    "training.adam_epsilon=1e-4",
    *setup.MINI,
    *setup.NO_CHANCE,
    "training.window_frames=140",
    "training.gradient_clip_norm=0.3",
    "training.mel_phase_steps=1",
    "training.checkpoint_interval=3",
    "training.validation_interval=9",
    "training.log_interval=1",
)
LAST_STEP = 9
PATIENCE_SECONDS = 600  # others may be busy with the machine

# To optimize graphs takes as long as everything else that these few steps need.
PLAIN_GRAPHS = """
import tensorflow as tf
tf.config.optimizer.set_experimental_options({"disable_meta_optimizer": True})
"""

MIRRORED = """
import sys
from wg2.config import Config
from wg2.data.dataset import DatasetInfo
from wg2.training.checkpoints import save_arrays
from wg2.training.strategy import make_strategy
from wg2.training.trainer import Trainer

cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(
    cpu, [tf.config.LogicalDeviceConfiguration() for _ in range(2)]
)
config, data, output = sys.argv[1:]
strategy = make_strategy("mirrored")
assert strategy.num_replicas_in_sync == 2
trainer = Trainer(Config.from_file(config), DatasetInfo.load(data), strategy, 0)
steps = trainer.training_steps()
for _ in range(3):
    result = next(steps)
    assert result.gradient_norm > 0.3
save_arrays(output + "/state.npz", trainer.state_arrays())
metrics = {k.replace("/", "."): v for k, v in trainer.evaluate().items()}
save_arrays(output + "/metrics.npz", metrics)
"""

# The command line, but every worker keeps what the chief saves.
WORKER = """
import sys
from pathlib import Path
from wg2.training import run
from wg2.training.checkpoints import save_arrays

save, own = run.TrainingRun.save, Path(sys.argv[1])

def save_all(self):
    save_arrays(own / f"{self.trainer.step}.npz", self.trainer.state_arrays())
    save(self)

run.TrainingRun.save = save_all
from wg2.train import main
sys.exit(main(sys.argv[2:]))
"""


@pytest.fixture(scope="module")
def reference(info):
    """States and validation losses, by step, of one replica."""
    trainer = setup.make_trainer(info, *SETTINGS)
    steps, states, metrics = trainer.training_steps(), {}, {}
    for step in range(1, LAST_STEP + 1):
        next(steps)
        if step % 3 == 0:
            states[step] = trainer.state_arrays()
            metrics[step] = trainer.evaluate()
    return trainer.config, states, metrics


def assert_close(arrays, expected, what: str) -> None:
    """Weights, averages, statistics and optimizer, up to the order of summation."""
    change = setup.differences(
        *({k: v for k, v in a.items() if "seed/" not in k} for a in (arrays, expected))
    )
    worst = max(change, key=change.get)
    print(f"{what}: {change[worst]:.2g} ({worst})")
    for name, value in expected.items():
        if "seed/" not in name:
            np.testing.assert_allclose(
                arrays[name], value, atol=2e-5, rtol=1e-3, err_msg=name
            )


def test_two_replicas_equal_one_with_the_same_global_batch(
    records, reference, tmp_path
):
    config, states, metrics = reference
    config.save(tmp_path / "config.json")
    arguments = [
        "-c",
        PLAIN_GRAPHS + MIRRORED,
        tmp_path / "config.json",
        records,
        tmp_path,
    ]
    log = tmp_path / "log"
    process = setup.spawn_python(arguments, log)
    try:
        assert process.wait(PATIENCE_SECONDS) == 0, log.read_text()[-3000:]
    finally:
        process.kill()
    assert_close(load_arrays(tmp_path / "state.npz"), states[3], "two replicas")
    found = load_arrays(tmp_path / "metrics.npz")
    expected = {name.replace("/", "."): value for name, value in metrics[3].items()}
    assert {k: float(v) for k, v in found.items()} == pytest.approx(expected, rel=1e-3)


class Workers:
    """Two processes of one cluster on this machine."""

    def __init__(self, folder: Path, arguments: list[object]):
        hosts = [f"127.0.0.1:{free_port()}" for _ in range(2)]
        self.logs, self.own, self.processes = [], [], []
        for index in range(2):
            own = folder / f"worker-{index}"
            own.mkdir(exist_ok=True)
            self.own.append(own)
            self.logs.append(folder / f"log-{index}")
            task = {"type": "worker", "index": index}
            cluster = json.dumps({"cluster": {"worker": hosts}, "task": task})
            self.processes.append(
                setup.spawn_python(
                    ["-c", PLAIN_GRAPHS + WORKER, own, *arguments],
                    self.logs[-1],
                    TF_CONFIG=cluster,
                )
            )

    def tails(self) -> str:
        return "\n---\n".join(log.read_text()[-3000:] for log in self.logs)

    def wait(self, seconds: float) -> list[int]:
        try:
            return [process.wait(seconds) for process in self.processes]
        except subprocess.TimeoutExpired:
            for process in self.processes:
                process.kill()
            raise AssertionError(self.tails()) from None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_workers_agree_and_survive_a_killed_one(records, reference, tmp_path):
    config, states, metrics = reference
    config.save(tmp_path / "config.json")
    run_dir = tmp_path / "run"
    common = ["--no-progress", "--data", records, "--run-dir", run_dir]
    begin = ["--steps", 100_000, "--config", tmp_path / "config.json"]
    workers = Workers(tmp_path, [*common, *begin])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (workers.own[0] / "6.npz").exists():
        alive = all(process.poll() is None for process in workers.processes)
        if not alive or time.monotonic() > deadline:
            workers.wait(1)
            raise AssertionError(workers.tails())
        time.sleep(0.05)
    while len(CheckpointStore(run_dir).steps()) < 2:
        time.sleep(0.05)
    victim, survivor = workers.processes[1], workers.processes[0]
    victim.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    assert survivor.wait(PATIENCE_SECONDS) == 2, workers.tails()
    print(f"the other worker ended after {time.monotonic() - killed:.1f} s")
    assert victim.wait(PATIENCE_SECONDS) == -signal.SIGKILL
    log = workers.logs[0].read_text()
    last = log.rstrip().splitlines()[-1]
    assert last.startswith("train: another worker failed or cannot be reached"), last
    assert "--resume" in last and "Traceback" not in log
    for step in (3, 6):
        own = [load_arrays(own / f"{step}.npz") for own in workers.own]
        for name, value in own[0].items():
            np.testing.assert_array_equal(value, own[1][name], err_msg=name)
        assert_close(own[0], states[step], f"two workers at step {step}")

    # Whatever they saved last, from step 6 on both resume to what one would have.
    store = CheckpointStore(run_dir)
    for step in store.steps():
        if step > 6:
            for file in store.path(step).iterdir():
                file.unlink()
            store.path(step).rmdir()
    assert store.steps()[-1] == 6
    workers = Workers(tmp_path, [*common, "--steps", LAST_STEP, "--resume"])
    assert workers.wait(PATIENCE_SECONDS) == [0, 0], workers.tails()
    own = [load_arrays(own / f"{LAST_STEP}.npz") for own in workers.own]
    assert max(setup.differences(*own).values()) == 0.0
    assert_close(own[0], states[LAST_STEP], "two workers, one killed, resumed")
    assert Voice.load(run_dir / "voice").card.steps == LAST_STEP
    lines = (run_dir / "metrics.jsonl").read_text().splitlines()
    (validation,) = (
        line for line in map(json.loads, lines) if "eval/noise_loss" in line
    )
    assert validation["step"] == LAST_STEP  # once: only the chief writes
    for name, value in metrics[LAST_STEP].items():
        assert validation[f"eval/{name}"] == pytest.approx(value, rel=1e-3), name
