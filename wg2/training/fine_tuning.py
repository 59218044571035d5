"""Weights to start a new run from: another inventory or other speakers are fine."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np

from wg2.config import Config
from wg2.models.weights import get_weights

_PHONEME_WEIGHT = "encoder/embedding/embeddings"
_SPEAKER_WEIGHT = "encoder/speaker/embeddings"


def load_source(path: Path) -> tuple[Config, dict[str, np.ndarray]]:
    """Config and averaged weights of a voice, or of a run's newest checkpoint.

    Raises:
        FileNotFoundError, ValueError: Neither, or damaged.
    """
    from wg2.voice import Voice, run_weights

    if (path / "checkpoints").is_dir():
        config, arrays, _ = run_weights(path)
        return config, arrays
    voice = Voice.load(path)
    return voice.config, voice.weights


def _match_rows(
    target: np.ndarray,
    source: np.ndarray,
    target_names: tuple[str, ...],
    source_names: tuple[str, ...],
) -> tuple[np.ndarray, list[str]]:
    """Rows of `source` under the names of `target`, and the names that have none."""
    rows = target.copy()
    positions = {name: i for i, name in enumerate(source_names)}
    new = [name for name in target_names if name not in positions]
    for i, name in enumerate(target_names):
        if name in positions:
            rows[i] = source[positions[name]]
    return rows, new


def initial_weights(
    model: keras.Model, config: Config, path: Path
) -> tuple[dict[str, np.ndarray], list[str]]:
    """Initial weights for `model`, from a voice or run of perhaps another inventory.

    Embeddings are matched by the names of phonemes and speakers; every other weight
    must have the same name and shape to be taken over.

    Returns:
        All weights of `model` by name, and one line for everything that keeps its
        random start, with the reason.
    Raises:
        ValueError: If nothing at all fits.
    """
    source_config, source = load_source(path)
    arrays = get_weights(model)
    names = {
        _PHONEME_WEIGHT: (config.text.phonemes, source_config.text.phonemes, "phoneme"),
        _SPEAKER_WEIGHT: (config.text.speakers, source_config.text.speakers, "speaker"),
    }
    report, taken = [], 0
    for name, value in arrays.items():
        if name not in source:
            report.append(f"{name} starts at random: the source has none")
        elif name in names and value.shape[1:] == source[name].shape[1:]:
            here, there, kind = names[name]
            arrays[name], new = _match_rows(value, source[name], here, there)
            taken += 1
            if new:
                report.append(f"new {kind}s start at random: {' '.join(new)}")
            if left := [symbol for symbol in there if symbol not in here]:
                report.append(f"{kind}s of the source not used: {' '.join(left)}")
        elif value.shape != source[name].shape:
            report.append(
                f"{name} starts at random: shape {value.shape} here, "
                f"{source[name].shape} in the source"
            )
        else:
            arrays[name] = source[name]
            taken += 1
    unused = sorted(set(source) - set(arrays))
    report += [f"{name} of the source is not used" for name in unused]
    if not taken:
        raise ValueError(f"nothing of {path} fits this config")
    report.append(f"{taken} of {len(arrays)} weights taken from {path}")
    return arrays, report
