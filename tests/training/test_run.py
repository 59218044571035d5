"""A run in its folder: checkpoints, metrics, TensorBoard, signals, resuming."""

from __future__ import annotations

import json
import os
import signal

import numpy as np
import pytest
import tensorflow as tf

from tests.training import setup
from wg2.data.schema import parse
from wg2.training import run as runs
from wg2.training.run import StopSignals, TrainingRun

LOSSES = {"total", "duration", "mel"}
REPORTED = {"gradient_norm", "learning_rate", "audio_seconds_per_second"}


def new_run(trainer, folder) -> TrainingRun:
    runs.start_run(folder, trainer.config, trainer.info, trainer.seed)
    return TrainingRun(trainer, folder, progress=False)


@pytest.fixture(scope="module")
def finished(_shared, tmp_path_factory):
    """A run of four steps: two of the mel phase, two of the decoder's."""
    trainer, initial = _shared
    folder = tmp_path_factory.mktemp("run") / "run"
    trainer.restore(initial, 0, folder)
    assert new_run(trainer, folder).train(4)
    return folder, trainer.state_arrays()


def events(folder) -> dict[str, list[tuple[int, object]]]:
    """tag -> (step, value) of everything TensorBoard would show."""
    found: dict[str, list] = {}
    for path in sorted((folder / "tensorboard").iterdir()):
        for event in tf.compat.v1.train.summary_iterator(str(path)):
            for value in event.summary.value:
                found.setdefault(value.tag, []).append(
                    (event.step, tf.make_ndarray(value.tensor))
                )
    return found


def metrics(folder) -> list[dict]:
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def test_metrics_have_a_line_for_every_report_and_validation(finished):
    first, second, validation = metrics(finished[0])
    assert [first["step"], second["step"], validation["step"]] == [2, 4, 4]
    names = {f"train/{name}_loss" for name in LOSSES} | {f"train/{n}" for n in REPORTED}
    assert set(first) == names | {"step"}
    assert set(second) == names | {"step", "train/noise_loss"}
    evaluated = {n for n in validation if "by_level" not in n}
    assert evaluated == {"step"} | {
        f"eval/{n}_loss" for n in ("noise", "duration", "mel")
    }
    assert any("eval/noise_loss_by_level/" in name for name in validation)
    assert all(np.isfinite(list(line.values())).all() for line in (first, second))


def test_tensorboard_has_the_same_values_and_pictures_and_sound(finished):
    found = events(finished[0])
    for line in metrics(finished[0]):
        for name, value in line.items():
            if name != "step":
                values = dict(found[name])
                assert values[line["step"]] == pytest.approx(value, rel=1e-5)
    for tag in ("eval/recording", "eval/synthesized", "eval/preview"):
        ((step, value),) = found[tag]
        assert step == 4
        kind = b"\x89PNG" if tag == "eval/preview" else b"RIFF"
        assert any(kind in bytes(part) for part in np.ravel(value)), tag


def test_sound_of_the_recording_is_at_its_true_level(finished, info):
    ((_, value),) = events(finished[0])["eval/recording"]
    audio, rate = tf.audio.decode_wav(np.ravel(value)[0])
    assert rate == info.sample_rate_hz
    (path, *_) = info.shard_paths("validation")
    recorded = parse(next(iter(tf.data.TFRecordDataset(str(path)))))["audio"]
    np.testing.assert_allclose(audio[:, 0], recorded, atol=1e-4)


def test_checkpoints_come_at_their_interval_and_hold_all_state(finished, trainer):
    folder, arrays = finished
    run = TrainingRun(trainer, folder, progress=False)
    assert run.store.steps() == [2, 4]
    run.resume()
    assert trainer.step == 4
    assert max(setup.differences(arrays, trainer.state_arrays()).values()) == 0.0
    assert run.train(4), "already there: nothing to do"
    assert len(metrics(folder)) == 3


def test_a_run_is_not_begun_over_another(finished, trainer):
    with pytest.raises(ValueError, match=r"already holds a run.*--resume"):
        runs.check_new(finished[0])


@pytest.mark.parametrize(
    "change", ["decoder.data_rms=0.2", "diffusion.synthesis_steps=3"]
)
def test_checkpoint_of_another_config_is_refused(finished, trainer, change):
    """Though every array fits."""
    before = trainer.state_arrays()
    run = TrainingRun(trainer, finished[0], progress=False)
    kept = trainer.config
    try:
        trainer.config = kept.override(change)
        with pytest.raises(ValueError, match=f"`{change.split('.')[0]}` differs"):
            run.resume()
    finally:
        trainer.config = kept
    assert trainer.step == 0
    assert max(setup.differences(before, trainer.state_arrays()).values()) == 0.0


def test_run_without_a_checkpoint_resumes_from_the_start(trainer, tmp_path, caplog):
    run = new_run(trainer, tmp_path / "run")
    run.resume()
    assert trainer.step == 0 and "no checkpoint yet" in caplog.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_finishes_the_step_and_saves(trainer, tmp_path, number, monkeypatch):
    run = new_run(trainer, tmp_path / "run")
    before = signal.getsignal(number)
    report = run._report

    def signalled(result, *rest):
        if result.step == 2:
            os.kill(os.getpid(), number)
        report(result, *rest)

    monkeypatch.setattr(run, "_report", signalled)
    assert run.train(50) is False
    assert trainer.step == 3
    assert run.store.steps()[-1] == 3
    assert signal.getsignal(number) is before


def test_second_interrupt_interrupts_at_once():
    with pytest.raises(KeyboardInterrupt), StopSignals() as signals:
        os.kill(os.getpid(), signal.SIGINT)
        assert signals.requested
        os.kill(os.getpid(), signal.SIGINT)


def test_damaged_provenance_is_named(finished, tmp_path):
    config, provenance = runs.read_run(finished[0])
    assert provenance["seed"] == 0 and provenance["corpus"]["licence"] == "unknown"
    with pytest.raises(FileNotFoundError, match="holds no training run"):
        runs.read_run(tmp_path)
    config.save(tmp_path / "config.json")
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(ValueError, match=r"run\.json is not readable"):
        runs.read_run(tmp_path)
