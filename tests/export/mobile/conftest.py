"""One package for all tests, and for all processes that share them."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from export.tflite import export
from tests.random_voice import random_voice
from wg2.config import Config
from wg2.presets import TINY
from wg2.voice import Voice

LEXICON = "# mine\nzyx  Z IH1 K S\nread  R IY1 D\nlines  L AY1 N\n"


@pytest.fixture(scope="session")
def mobile_config() -> Config:
    """Two speakers, a schedule of its own for three steps."""
    return TINY.override(
        "diffusion.synthesis_steps=3",
        "diffusion.schedules=[[0.0001, 0.05, 0.9]]",
        'text.speakers=["ann", "bob"]',
    )


@pytest.fixture(scope="session")
def package_path(mobile_config: Config, tmp_path_factory) -> Path:
    """A package in float32, beside its voice and its lexicon. Do not write to it."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    folder = shared / "mobile"
    with open(shared / "mobile.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # half a minute: once is enough
        if not (folder / "package").is_dir():
            random_voice(mobile_config).save(folder / "voice")
            lexicon = folder / "lexicon.txt"
            lexicon.write_text(LEXICON, encoding="utf-8")
            export(
                folder / "voice",
                folder / "package",
                "float32",
                steps=(1, 5),
                window_seconds=0.3,
                lexicon=lexicon,
            )
    return folder / "package"


@pytest.fixture(scope="session")
def lexicon_path(package_path: Path) -> Path:
    return package_path.parent / "lexicon.txt"


@pytest.fixture(scope="session")
def voice(package_path: Path) -> Voice:
    """What `package_path` was exported from."""
    return Voice.load(package_path.parent / "voice")
