"""What the tests of training share: corpora, configs, trainers, sub-processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from tests import corpus
from wg2.config import Config
from wg2.data.dataset import DatasetInfo
from wg2.presets import TINY
from wg2.training.trainer import Trainer, _without_strings

ROOT = Path(__file__).parents[2]

NOISE = (  # the paper's parameterization
    "decoder.parameterization=noise",
    "diffusion.level_distribution=uniform_segments",
)
NO_CHANCE = ("encoder.dropout=0", "encoder.zoneout=0")
# Two scales instead of three, one convolution: traced in two thirds of the time.
MINI = (
    "name=mini",
    "encoder.num_convolutions=1",
    "decoder.upsampling_factors=[10,4]",
    "decoder.upsampling_channels=[8,6]",
    "decoder.upsampling_dilations=[[1,2,4,8],[1,2,1,2]]",
    "decoder.downsampling_channels=[6]",
    "decoder.downsampling_dilations=[[1,2,4]]",
)


def build_records(folder: Path, num_utterances: int = 12) -> Path:
    """Records of several shards with a large validation split."""
    from tfrecords_tools import build

    source = corpus.make_corpus(
        folder / "corpus", num_utterances, TINY.audio.sample_rate_hz
    )
    arguments = ["--config", "tiny", "--input", source, "--output", folder / "records"]
    arguments += ["--alignments", source / "TextGrid", "--workers", 1]
    arguments += ["--validation-percent", 40, "--shard-size", 3]
    assert build.main([str(argument) for argument in arguments]) == 0
    return folder / "records"


def make_trainer(info: DatasetInfo, *overrides: str, seed: int = 0) -> Trainer:
    """A trainer of the tiny preset on one CPU."""
    config = tiny(info, *overrides)
    return Trainer(config, info, tf.distribute.OneDeviceStrategy("/cpu:0"), seed)


def tiny(info: DatasetInfo, *overrides: str) -> Config:
    rms = f"decoder.data_rms={info.audio_rms:.4f}"
    parameterization = [o for o in overrides if o in NOISE]
    # These two only go together.
    return (
        TINY.override(rms, *parameterization).override(
            *(o for o in overrides if o not in NOISE)
        )
        if overrides
        else TINY.override(rms)
    )


def fixed_batch_step(trainer: Trainer):
    """A function of (step, learning rate) that trains on one batch for ever."""
    dataset = trainer.batches()
    batch = _without_strings(next(iter(dataset)))
    train = trainer._train_functions.get(True) or trainer._make_train_function(
        True, _without_strings(dataset.element_spec)
    )
    trainer._train_functions[True] = train

    def step(rate: float) -> dict[str, float]:
        means, _, _ = train(batch, rate, 0.9, 0.0)
        return {name: float(value) for name, value in means.items()}

    return step


def run_steps(trainer: Trainer, count: int) -> list:
    """Trains `count` steps; their results."""
    steps = trainer.training_steps()
    return [next(steps) for _ in range(count)]


def differences(arrays: dict, other: dict) -> dict[str, float]:
    """Largest absolute difference of every array; the names must agree."""
    assert set(arrays) == set(other)
    return {
        name: float(np.abs(value.astype("f8") - other[name].astype("f8")).max())
        for name, value in arrays.items()
    }


def spawn_python(
    arguments: Sequence[object], log: Path, **environment: str
) -> subprocess.Popen:
    """Python with these arguments in the repository's root; both outputs to `log`."""
    environment = {
        "KERAS_BACKEND": "tensorflow",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "1",
        "PYTHONUNBUFFERED": "1",
        **environment,
    }
    with open(log, "w") as file:
        return subprocess.Popen(
            [sys.executable, *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
        )
