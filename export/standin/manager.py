"""Loads new versions, then unloads old ones: one thread that looks at the disk."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from export.standin import config, servable, warmup
from export.standin.config import ModelConfig
from export.standin.errors import Code, ServingError
from export.standin.models import Model, Models, State, Version

logger = logging.getLogger(__name__)


@dataclass
class _ConfigFile:
    path: Path
    poll_seconds: float
    any_label_version: bool
    content: bytes
    next_read: float = 0.0


class Manager:
    """Keeps `models` as the configuration and the disk want them.

    A failed load is tried again after `retry_seconds`, `max_retries` times; at once if
    the directory has changed. Other than in the real server, nothing else waits for it.

    Args:
        models: Its `configure` has been called.
        poll_seconds: Between two looks at the disk; 0 looks at the start only.
        max_retries: Of a failed load.
        retry_seconds: Between two tries.
        tags: Of the graph to load.
    """

    def __init__(
        self,
        models: Models,
        poll_seconds: float = 1.0,
        max_retries: int = 5,
        retry_seconds: float = 60.0,
        tags: Collection[str] = ("serve",),
    ) -> None:
        self._models = models
        self._poll_seconds = poll_seconds
        self._max_retries = max_retries
        self._retry_seconds = retry_seconds
        self._tags = tuple(tags)
        self._pass_lock = threading.Lock()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None
        self._config_file: _ConfigFile | None = None

    def watch_config(
        self, path: Path, poll_seconds: float, any_label_version: bool = False
    ) -> None:
        """Also reads a config file again and again; call it before `start`.

        Args:
            path: Text ModelServerConfig. As it is now it has been applied already.
            poll_seconds: Between two reads; 0 for never.
            any_label_version: As of `Models.configure`.
        """
        if poll_seconds > 0:
            self._config_file = _ConfigFile(
                path, poll_seconds, any_label_version, path.read_bytes()
            )

    def wait_until_ready(self) -> bool:
        """Loads until every model has a version that answers; False if stopped.

        Raises:
            ServingError: A model has versions, and none loads.
        """
        while not self._stopped.is_set():
            self.run_once()
            if self._models.ready():
                return True
            for model in self._models.configured():
                failed = [v.error for v in model.versions.values() if v.error]
                if failed and not model.available:
                    raise failed[-1]
            self._stopped.wait(self._poll_seconds or 1.0)
        return False

    def start(self) -> None:
        """Begins to watch the disk, and the config file."""
        if self._poll_seconds <= 0 and self._config_file is None:
            return
        self._thread = threading.Thread(
            target=self._watch, name="model-manager", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Watches no more. A load that runs is not waited for."""
        self._stopped.set()

    def reconfigure(
        self, configs: list[ModelConfig], any_label_version: bool = False
    ) -> None:
        """Takes a complete new list of models, and waits until the new ones answer.

        Raises:
            ServingError: The list is refused (nothing has changed then), or a new model
                has no version that loads.
        """
        new = [c.name for c in configs if not self._models.is_configured(c.name)]
        self._models.configure(configs, any_label_version)
        self.run_once()
        missing = [
            f"{{name: {model.config.name}}}"
            for model in self._models.configured()
            if model.config.name in new and not model.available
        ]
        if missing:
            raise ServingError(
                Code.UNKNOWN,
                f"Some models did not become available: {{{', '.join(missing)}}}",
            )

    def run_once(self) -> None:
        """One look at the disk; returns when everything due is loaded and unloaded."""
        with self._pass_lock:
            configured = self._models.configured()
            for model in configured:
                self._update(model)
            for name, model in self._models.known():
                if not self._models.is_configured(name):
                    self._unload_all_but(model, set())

    def _watch(self) -> None:
        file = self._config_file
        intervals = (self._poll_seconds, file.poll_seconds if file else 0.0)
        while not self._stopped.wait(min(s for s in intervals if s > 0)):
            try:
                if file is not None and time.monotonic() >= file.next_read:
                    self._reread(file)
                if self._poll_seconds > 0:
                    self.run_once()
            except Exception:
                # The next look may do better; without this thread none would follow.
                logger.exception("Looking for new versions failed")

    def _reread(self, file: _ConfigFile) -> None:
        file.next_read = time.monotonic() + file.poll_seconds
        try:
            content = file.path.read_bytes()
            if content == file.content:
                return
            file.content = content
            configs = config.from_proto(config.read_config_file(file.path))
            if configs is not None:
                self.reconfigure(configs, file.any_label_version)
        except (ServingError, ValueError, OSError) as error:
            logger.warning("%s is not applied: %s", file.path, error)

    def _update(self, model: Model) -> None:
        on_disk = config.versions_on_disk(model.config.base_path)
        aspired = model.config.policy.choose(on_disk or {})
        if not aspired and not model.warned:
            logger.warning(
                "No versions of servable %s found under base path %s. Did you forget "
                "to name your leaf directory as a number (eg. '/1/')? Waiting.",
                model.config.name,
                model.config.base_path,
            )
        model.warned = not aspired
        for number in sorted(aspired):
            self._load_if_due(model, number, on_disk[number])
        # Never without an answer: the old one goes only when a new one is there.
        if on_disk is not None and (not aspired or aspired & set(model.available)):
            self._unload_all_but(model, aspired)

    def _unload_all_but(self, model: Model, aspired: set[int]) -> None:
        gone = [number for number in model.available if number not in aspired]
        for number in gone:
            logger.info("Unloading %s version %d", model.config.name, number)
            self._models.unload(model.versions[number])
        if gone:
            gc.collect()

    def _load_if_due(self, model: Model, number: int, path: Path) -> None:
        with self._models.lock:
            version = model.versions.get(number)
            if version is None:
                version = model.versions[number] = Version(number, path)
            if version.state not in (State.START, State.END):
                return
            fingerprint = _fingerprint(path)
            if version.error is None or version.fingerprint != fingerprint:
                version.attempts = 0
            elif (
                version.attempts > self._max_retries
                or time.monotonic() < version.retry_at
            ):
                return
            version.path, version.fingerprint = path, fingerprint
            version.state, version.error = State.LOADING, None
        self._load(model, version)

    def _load(self, model: Model, version: Version) -> None:
        name, begin = model.config.name, time.monotonic()
        try:
            loaded = servable.load(version.path, version.number, self._tags)
            num_warmup = warmup.run(loaded, version.path)
        except Exception as error:
            if not isinstance(error, ServingError):
                logger.exception("Loading %s failed", version.path)
                error = ServingError(Code.INTERNAL, f"{type(error).__name__}: {error}")
            logger.warning(
                "%s version %d does not load: %s", name, version.number, error
            )
            with self._models.lock:
                version.fail(error, self._retry_seconds)
            return
        with self._models.lock:
            version.servable, version.state = loaded, State.AVAILABLE
        logger.info(
            "Loaded %s version %d in %.1f s, %d warmup requests",
            name,
            version.number,
            time.monotonic() - begin,
            num_warmup,
        )


def _fingerprint(path: Path) -> tuple:
    """Changes when an export is written again, or goes on being written."""
    parts = []
    for file in (path, path / "saved_model.pb", path / "variables", path / warmup.FILE):
        try:
            stat = file.stat()
            parts.append((stat.st_ino, stat.st_mtime_ns, stat.st_size))
        except OSError:
            parts.append(None)
    return tuple(parts)
