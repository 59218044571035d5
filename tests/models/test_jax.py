"""The forward pass is the same under KERAS_BACKEND=jax."""

import dataclasses
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from wg2.config import Config
from wg2.models.wavegrad2 import WaveGrad2
from wg2.presets import TINY

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        importlib.util.find_spec("jax") is None, reason="jax is not installed"
    ),
]

CONFIG = dataclasses.replace(
    TINY, text=dataclasses.replace(TINY.text, speakers=("ann", "bob"))
)
PAPER = dataclasses.replace(
    CONFIG,
    decoder=dataclasses.replace(
        CONFIG.decoder,
        parameterization="noise",
        bounded_film=False,
        normalize_features=False,
    ),
    diffusion=dataclasses.replace(
        CONFIG.diffusion, level_distribution="uniform_segments"
    ),
)
FRAMES = 12

SCRIPT = """
import sys
from pathlib import Path

import keras
import numpy as np
from tests.models.test_jax import forward
from wg2.config import Config
from wg2.models.wavegrad2 import WaveGrad2

assert keras.backend.backend() == "jax"
for folder in map(Path, sys.argv[1:]):
    model = WaveGrad2(Config.from_file(folder / "config.json"), name="model")
    model.build()
    weights = np.load(folder / "weights.npz")
    for weight in model.weights:
        weight.assign(weights[weight.path])
    assert len(weights) == len(model.weights)
    np.savez(folder / "jax.npz", **forward(model))
"""


def forward(model: WaveGrad2) -> dict[str, np.ndarray]:
    """Every part, on inputs that any backend makes alike."""
    rng = np.random.default_rng(0)
    lengths = np.array([7, 4], "int32")
    inside = np.arange(7) < lengths[:, None]
    ids = rng.integers(1, 40, (2, 7)).astype("int32") * inside
    durations = (rng.integers(0, 5, (2, 7)) * inside).astype("float32")
    samples = FRAMES * model.config.samples_per_frame
    audio = rng.standard_normal((2, samples)).astype("float32")
    levels = np.array([0.4, 0.98], "float32")
    mask = np.arange(FRAMES) < np.array([[12], [7]])

    features = model.encode(ids, lengths, np.array([1, 0], "int32"))
    frames, weights = model.upsample(
        features, durations, lengths, FRAMES, np.array([0, 2], "int32")
    )
    outputs = {
        "features": features,
        "durations": model.predict_durations(features, lengths),
        "frames": frames,
        "weights": weights,
        "mel": model.mel_head(frames),
        "noise": model.decoder(audio, frames, levels, mask),
    }
    return {name: keras.ops.convert_to_numpy(x) for name, x in outputs.items()}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """For each config: its weights, and what either backend makes of them."""
    folders = {}
    for label, config in (("preconditioned", CONFIG), ("noise", PAPER)):
        folder = folders[label] = tmp_path_factory.mktemp(label)
        keras.utils.set_random_seed(0)
        model = WaveGrad2(config, name="model")
        model.build()
        rng = np.random.default_rng(0)
        for weight in model.weights:
            if not np.any(weight) or "bias" in weight.path:
                weight.assign(0.2 * rng.standard_normal(weight.shape))
        config.save(folder / "config.json")
        assert Config.from_file(folder / "config.json") == config
        np.savez(folder / "weights.npz", **{w.path: np.array(w) for w in model.weights})
        np.savez(folder / "tensorflow.npz", **forward(model))
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *folders.values()],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return folders


@pytest.mark.parametrize("label", ["preconditioned", "noise"])
def test_forward_pass_equals_tensorflow(folders, label):
    ours = np.load(folders[label] / "tensorflow.npz")
    theirs = np.load(folders[label] / "jax.npz")
    assert set(ours) == set(theirs) and len(ours.files) == 6
    for name in ours:
        assert np.abs(ours[name]).max() > 1e-3
        np.testing.assert_allclose(ours[name], theirs[name], atol=1e-4, err_msg=name)
