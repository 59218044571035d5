"""Which models are served, from where, in which versions, under which labels."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf import text_format
from tensorflow_serving.config import model_server_config_pb2

from export.standin.errors import invalid

_PLATFORM = "tensorflow"
_MAX_VERSION = 2**63 - 1


@dataclass(frozen=True)
class VersionPolicy:
    """Which of the versions on disk are served.

    Exactly one is set: the `latest` so many, the `specific` ones, or neither, all.
    """

    latest: int | None = 1
    specific: frozenset[int] | None = None

    def choose(self, versions: Iterable[int]) -> set[int]:
        if self.specific is not None:
            return set(versions) & self.specific
        ordered = sorted(versions)
        return set(ordered if self.latest is None else ordered[-self.latest :])


@dataclass(frozen=True)
class ModelConfig:
    """One served model."""

    name: str
    base_path: Path
    policy: VersionPolicy = VersionPolicy()
    labels: Mapping[str, int] = field(default_factory=dict)


def versions_on_disk(base_path: Path) -> dict[int, Path] | None:
    """Children whose name reads as an int64 ("00000123" is 123), by number.

    None if the folder cannot be read: that says nothing about its versions.
    """
    try:
        children = list(base_path.iterdir())
    except OSError:
        return None
    found = {}
    for child in sorted(children):
        digits = child.name.removeprefix("-")
        if digits.isascii() and digits.isdigit() and len(digits) < 40:
            version = int(child.name)
            if -_MAX_VERSION - 1 <= version <= _MAX_VERSION:
                found[version] = child
    return found


def read_config_file(path: Path) -> model_server_config_pb2.ModelServerConfig:
    """The text ModelServerConfig in a file.

    Raises:
        FileNotFoundError: No such file.
        ValueError: It does not parse.
    """
    if not path.is_file():
        raise FileNotFoundError(f"No model config file at {path}")
    try:
        return text_format.Parse(
            path.read_text(encoding="utf-8"),
            model_server_config_pb2.ModelServerConfig(),
        )
    except (text_format.ParseError, UnicodeDecodeError) as error:
        raise ValueError(
            f"{path} does not read as a text ModelServerConfig: {error}"
        ) from None


def from_proto(
    config: model_server_config_pb2.ModelServerConfig,
) -> list[ModelConfig] | None:
    """The models of a config, or None if it says nothing at all.

    Raises:
        ServingError: INVALID_ARGUMENT, for what cannot be served.
    """
    kind = config.WhichOneof("config")
    if kind is None:
        return None
    if kind != "model_config_list":
        raise invalid("Only a model_config_list can be served.")
    models = [_model(model) for model in config.model_config_list.config]
    names = [model.name for model in models]
    for name in names:
        if names.count(name) > 1:
            raise invalid(f"Illegal to list model {name} multiple times in config list")
    return models


def _model(model: model_server_config_pb2.ModelConfig) -> ModelConfig:
    if not model.name or not model.base_path:
        raise invalid("A model in model_config_list needs a name and a base_path.")
    platform = model.model_platform
    if not platform and model.model_type == model_server_config_pb2.TENSORFLOW:
        platform = _PLATFORM  # the older spelling
    if platform != _PLATFORM:
        raise invalid(
            f"Model {model.name} requests unsupported platform {platform!r}; "
            f"expected model_platform: {_PLATFORM!r}"
        )
    if not os.path.isabs(model.base_path):
        raise invalid(
            f"Expected model {model.name} to have an absolute path or URI; "
            f"got base_path()={model.base_path}"
        )
    if model.HasField("logging_config"):
        raise invalid(
            f"Model {model.name} has a logging_config; this stand-in logs no requests"
        )
    return ModelConfig(
        name=model.name,
        base_path=Path(model.base_path),
        policy=_policy(model),
        labels=dict(model.version_labels),
    )


def _policy(model: model_server_config_pb2.ModelConfig) -> VersionPolicy:
    policy = model.model_version_policy
    kind = policy.WhichOneof("policy_choice")
    if kind == "all":
        return VersionPolicy(latest=None)
    if kind == "specific":
        if not policy.specific.versions:
            raise invalid(f"Model {model.name}: specific {{}} names no versions")
        return VersionPolicy(latest=None, specific=frozenset(policy.specific.versions))
    # num_versions 0 is "not given".
    return VersionPolicy(latest=policy.latest.num_versions or 1)
