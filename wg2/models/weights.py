"""A model's weights as named arrays: what checkpoints, voices and exports store.

Names are the variables' paths below the model, the same under every backend.
"""

from __future__ import annotations

from collections.abc import Mapping

import keras
import numpy as np


def weight_name(variable) -> str:
    """`encoder/conv_0/kernel`: the path without the model's own name, which Keras
    numbers through."""
    return variable.path.split("/", 1)[1]


def get_weights(model: keras.Model) -> dict[str, np.ndarray]:
    """All weights, trainable or not, by name."""
    return {weight_name(w): keras.ops.convert_to_numpy(w) for w in model.weights}


def set_weights(model: keras.Model, arrays: Mapping[str, np.ndarray], source) -> None:
    """Assigns every weight of `model` from `arrays`; nothing may be missing or over.

    Raises:
        ValueError: Naming `source` and the first weight that does not fit.
    """
    expected = {weight_name(w): w for w in model.weights}
    for name, weight in expected.items():
        if name not in arrays:
            raise ValueError(f"{source} lacks the weight {name}")
        if tuple(arrays[name].shape) != tuple(weight.shape):
            raise ValueError(
                f"{source}: weight {name} has shape {tuple(arrays[name].shape)}, the "
                f"config's model {tuple(weight.shape)}"
            )
    extra = sorted(set(arrays) - set(expected))
    if extra:
        raise ValueError(f"{source} has weights the config's model has not: {extra[0]}")
    for name, weight in expected.items():
        weight.assign(arrays[name].astype(weight.dtype))
