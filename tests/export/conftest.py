"""One export for all tests, and for all processes that share them."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from export.saved_model import export
from tests.random_voice import random_voice
from wg2.config import Config
from wg2.presets import TINY


@pytest.fixture(scope="session")
def served_config() -> Config:
    """Two speakers, a schedule of its own for three steps."""
    return TINY.override(
        "diffusion.synthesis_steps=4",
        "diffusion.schedules=[[0.0001, 0.05, 0.9]]",
        'text.speakers=["ann", "bob"]',
    )


@pytest.fixture(scope="session")
def model_path(served_config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a model with version 1, beside its voice. Do not write to it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    voice = shared / "served_voice"
    model = shared / "models" / "random"
    with open(shared / "export.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # it takes most of a minute: once is enough
        if not (model / "1").is_dir():
            random_voice(served_config).save(voice)
            export(voice, model)
    return model


@pytest.fixture(scope="session")
def voice_path(model_path: Path) -> Path:
    """The voice that `model_path` was exported from."""
    return model_path.parent.parent / "served_voice"
