"""Fixtures that several test folders use."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import corpus
from wg2.config import Config
from wg2.presets import TINY


@pytest.fixture(scope="session")
def tiny_config() -> Config:
    """The preset of the tests."""
    return TINY


@pytest.fixture(scope="session")
def tiny_corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A synthetic corpus of 8 clips at the tiny preset's rate. Do not write to it."""
    return corpus.make_corpus(
        tmp_path_factory.mktemp("corpus"), sample_rate_hz=TINY.audio.sample_rate_hz
    )


@pytest.fixture(scope="session")
def tiny_dataset(tiny_corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the records of `tiny_corpus`. Do not write to it."""
    return corpus.build_dataset(
        tiny_corpus, TINY, tmp_path_factory.mktemp("dataset") / "records"
    )
