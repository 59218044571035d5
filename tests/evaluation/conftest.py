"""A voice of random weights and records that it can be evaluated with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.random_voice import random_voice
from tests.training.setup import MINI, build_records
from wg2.data.dataset import DatasetInfo
from wg2.presets import TINY


@pytest.fixture(scope="session")
def records(tmp_path_factory) -> Path:
    """Do not write to it."""
    return build_records(tmp_path_factory.mktemp("evaluated"))


@pytest.fixture(scope="session")
def voice_dir(records, tmp_path_factory) -> Path:
    """A voice of random weights that fits `records`. Do not write to it."""
    rms = f"decoder.data_rms={DatasetInfo.load(records).audio_rms:.4f}"
    config = TINY.override(*MINI, rms, "diffusion.synthesis_steps=3")
    directory = tmp_path_factory.mktemp("voice") / "random"
    random_voice(config).save(directory)
    return directory
