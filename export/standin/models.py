"""What is known of each version, and lending the loaded ones to requests."""

from __future__ import annotations

import contextlib
import enum
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tensorflow_serving.apis import model_pb2

from export.standin.config import ModelConfig
from export.standin.errors import Code, ServingError, invalid
from export.standin.servable import Servable


class State(enum.IntEnum):
    """Numbered as in get_model_status.proto."""

    START = 10
    LOADING = 20
    AVAILABLE = 30
    UNLOADING = 40
    END = 50


@dataclass
class Version:
    """One version directory, from its first sight to the end of the server.

    `attempts` counts the failed loads of what `fingerprint` stands for; after one, the
    next is not before `retry_at` (on the monotonic clock).
    """

    number: int
    path: Path
    state: State = State.START
    error: ServingError | None = None
    servable: Servable | None = None
    leases: int = 0
    attempts: int = 0
    retry_at: float = 0.0
    fingerprint: tuple | None = None

    def fail(self, error: ServingError, retry_seconds: float) -> None:
        self.state, self.error, self.servable = State.END, error, None
        self.attempts += 1
        self.retry_at = time.monotonic() + retry_seconds


@dataclass
class Model:
    """One configured model."""

    config: ModelConfig
    versions: dict[int, Version] = field(default_factory=dict)
    warned: bool = False

    @property
    def available(self) -> list[int]:
        """Numbers of the versions that answer, in order."""
        return sorted(
            number
            for number, version in self.versions.items()
            if version.state == State.AVAILABLE
        )


class Models:
    """All versions of all models. Any thread may call anything."""

    def __init__(self):
        self.lock = threading.RLock()
        self._configured: dict[str, Model] = {}
        # Versions of models that are no longer configured stay listed as END.
        self._known: dict[str, Model] = {}
        self._labels: dict[str, dict[str, int]] = {}

    def configure(
        self, configs: list[ModelConfig], any_label_version: bool = False
    ) -> None:
        """Replaces the configuration; loads and unloads nothing.

        Args:
            configs: The complete list.
            any_label_version: A label that is new may name a version that is not
                available (yet).

        Raises:
            ServingError: FAILED_PRECONDITION, for a label of a version that is not
                available; nothing has changed then.
        """
        with self.lock:
            labels: dict[str, dict[str, int]] = {}
            for config in configs:
                known = self._known.get(config.name)
                available = known.available if known else []
                for label, version in config.labels.items():
                    before = self._labels.get(config.name, {}).get(label, version)
                    free = any_label_version and before == version
                    if version not in available and not free:
                        raise ServingError(
                            Code.FAILED_PRECONDITION,
                            f"Request to assign label to version {version} of model "
                            f"{config.name}, which is not currently available for "
                            "inference",
                        )
                labels[config.name] = dict(config.labels)
            self._labels = labels
            self._configured = {}
            for config in configs:
                model = self._known.setdefault(config.name, Model(config))
                if model.config.base_path != config.base_path:
                    model.warned = False
                model.config = config
                self._configured[config.name] = model

    def configured(self) -> list[Model]:
        with self.lock:
            return list(self._configured.values())

    def known(self) -> list[tuple[str, Model]]:
        """Also the models that were configured once."""
        with self.lock:
            return list(self._known.items())

    def is_configured(self, name: str) -> bool:
        with self.lock:
            return name in self._configured

    def ready(self) -> bool:
        """Every configured model has a version that answers."""
        with self.lock:
            return bool(self._configured) and all(
                model.available for model in self._configured.values()
            )

    @contextlib.contextmanager
    def lend(self, spec: model_pb2.ModelSpec) -> Iterator[Servable]:
        """The servable of a request; it is not unloaded before the block ends.

        Raises:
            ServingError: INVALID_ARGUMENT, or NOT_FOUND "Servable not found ..".
        """
        with self.lock:
            version = self._find(spec)
            version.leases += 1
            servable = version.servable
        try:
            yield servable
        finally:
            del servable
            with self.lock:
                version.leases -= 1
                self._finish_unloading(version)

    def unload(self, version: Version) -> None:
        """No new request gets it; it goes when the last running one is done."""
        with self.lock:
            version.state = State.UNLOADING
            self._finish_unloading(version)

    def _finish_unloading(self, version: Version) -> None:
        if version.state == State.UNLOADING and version.leases == 0:
            version.servable = None
            version.state = State.END

    def _find(self, spec: model_pb2.ModelSpec) -> Version:
        name = spec.name
        if not name:
            raise invalid("ModelSpec has no name specified.")
        kind = spec.WhichOneof("version_choice")
        if kind == "version_label":
            number = self._labels.get(name, {}).get(spec.version_label)
            if number is None:
                raise invalid(
                    f"Unrecognized servable version label: {spec.version_label}"
                )
        elif kind == "version":
            number = spec.version.value
        else:
            number = None
        model = self._configured.get(name)
        available = model.available if model else []
        if number is None and available:
            return model.versions[available[-1]]
        if number in available:
            return model.versions[number]
        wanted = f"Latest({name})" if number is None else f"Specific({name}, {number})"
        raise ServingError(Code.NOT_FOUND, f"Servable not found for request: {wanted}")
