"""Toy models, and servers of them."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from export.standin.config import ModelConfig
from export.standin.errors import ServingError
from export.standin.manager import Manager
from export.standin.models import Models
from export.standin.server import Server, ServerOptions
from tests.export.standin import toy


@pytest.fixture(scope="session")
def toy_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Version 3 of "toy". Do not write to it."""
    base = tmp_path_factory.mktemp("models") / "toy"
    toy.save(base, 3)
    return base


@pytest.fixture(scope="session")
def standin(
    toy_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[toy.Client]:
    """The command in its own process, with three models. Leave them as they are."""
    folder = tmp_path_factory.mktemp("standin")
    compiled = toy.Compiled()
    toy.save_module(folder / "compiled", 1, compiled, compiled.times)
    toy.save_examples(folder / "examples")
    config = folder / "models.config"
    models = {path.name: path for path in (folder / "compiled", folder / "examples")}
    config.write_text(toy.model_server_config({"toy": toy_path} | models))
    process = toy.Process(
        *("--model_config_file", str(config), "--max-concurrent-requests", "2"),
        *("--max-request-bytes", "200000", "--max-unpacked-bytes", "300000"),
        *("--max-json-depth", "20", "--max-json-values", "50000"),
        *("--max-tensor-bytes", "10000000"),
        *("--rest-api-timeout-in-ms", "2000", "--max-queued-requests", "32"),
    )
    try:
        yield process.ready()
    finally:
        process.end()


@pytest.fixture
def launch() -> Iterator[Callable[..., toy.Process]]:
    """Starts the command; what a failed test leaves is killed."""
    processes = []

    def start(*arguments: str) -> toy.Process:
        processes.append(toy.Process(*arguments))
        return processes[-1]

    yield start
    for process in processes:
        process.process.kill()
        process.process.wait()


class Running:
    """A server in this process, with its parts at hand."""

    def __init__(self, configs, options: ServerOptions, config_file=None, **manager):
        self.models = Models()
        self.models.configure(configs, options.any_label_version)
        self.manager = Manager(self.models, **({"poll_seconds": 0.05} | manager))
        if config_file is not None:
            self.manager.watch_config(config_file, 0.05)
        self._addresses: list = []
        self._ready = threading.Event()
        self.server = Server(self.models, self.manager, options, self._opened)
        self.done: bool | None = None
        self.error: ServingError | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _opened(self, *addresses):
        self._addresses.append(addresses)
        self._ready.set()

    def _run(self):
        try:
            self.done = asyncio.run(self.server.run(handle_signals=False))
        except ServingError as error:
            self.error = error

    def client(self) -> toy.Client:
        assert self._ready.wait(toy.START_SECONDS)
        return toy.Client(*self._addresses[0])

    @property
    def opened(self) -> bool:
        return self._ready.is_set()

    def stop(self):
        self.server.stop()
        self.join()

    def join(self):
        self._thread.join(toy.START_SECONDS)
        assert not self._thread.is_alive()


@pytest.fixture
def serve() -> Iterator[Callable[..., Running]]:
    """Starts servers that end with the test: base path or configs, and options."""
    with contextlib.ExitStack() as stack:

        def start(where, manager: dict | None = None, **options) -> Running:
            configs = [ModelConfig("toy", where)] if isinstance(where, Path) else where
            ports = {"grpc_port": 0, "rest_port": 0}
            running = Running(
                configs, ServerOptions(**(ports | options)), **(manager or {})
            )
            stack.callback(running.stop)
            return running

        yield start
