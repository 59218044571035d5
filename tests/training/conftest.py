"""Trainers that several tests share, since tracing one takes many seconds."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.training import setup
from wg2.data.dataset import DatasetInfo
from wg2.training.trainer import Trainer


@pytest.fixture(scope="session")
def records(tmp_path_factory) -> Path:
    """Folder of records: 9 to train on, in shards of 3, and 3 to validate."""
    return setup.build_records(tmp_path_factory.mktemp("training"))


@pytest.fixture(scope="session")
def info(records) -> DatasetInfo:
    return DatasetInfo.load(records)


@pytest.fixture(scope="session")
def _shared(info) -> tuple[Trainer, dict]:
    trainer = setup.make_trainer(
        info,
        "training.mel_phase_steps=2",
        "training.gradient_clip_norm=0.5",
        "training.log_interval=2",
        "training.validation_interval=4",
        "training.checkpoint_interval=2",
        "training.checkpoints_kept=2",
        "training.validation_batches=2",
    )
    return trainer, trainer.state_arrays()


@pytest.fixture
def trainer(_shared) -> Trainer:
    """A trainer at step 0: two steps of the mel phase, then the decoder's."""
    trainer, initial = _shared
    trainer.restore(initial, 0, Path("the start"))
    return trainer
