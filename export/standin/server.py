"""Everything together: load, open the ports, serve, and stop in order."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import logging
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass, field

import grpc
from aiohttp import web

from export.standin.grpc_service import ModelService, PredictionService, add_to_server
from export.standin.manager import Manager
from export.standin.metrics import Metrics
from export.standin.models import Models
from export.standin.rest_service import RestLimits, RestService
from export.standin.workers import Workers, in_background

logger = logging.getLogger(__name__)

# After a request was told to stop: a kernel that runs is not interrupted.
_STOP_SECONDS = 2.0


@dataclass(frozen=True)
class ServerOptions:
    """Where and how much.

    Args:
        host: Address that both ports are bound to.
        grpc_port, rest_port: 0 picks a free one.
        max_running, max_waiting: Requests; any more are refused.
        shutdown_seconds: For what runs when the server is told to stop.
        rest: Limits of REST requests; `max_body_bytes` is gRPC's, too.
        max_input_bytes: Of the tensors of a gRPC request, in memory.
        cors: REST answers carry CORS headers.
        any_label_version: As of `Models.configure`.
    """

    host: str = "127.0.0.1"
    grpc_port: int = 8500
    rest_port: int = 8501
    max_running: int = 4
    max_waiting: int = 64
    shutdown_seconds: float = 30.0
    rest: RestLimits = field(default_factory=RestLimits)
    max_input_bytes: int = 2**30
    cors: bool = False
    any_label_version: bool = False


class Server:
    """One run of the server.

    Args:
        models: Configured.
        manager: Loads them.
        options: See there.
        on_ready: Called with the host and both ports once they are open.
    """

    def __init__(
        self,
        models: Models,
        manager: Manager,
        options: ServerOptions,
        on_ready: Callable[[str, int, int], None],
    ) -> None:
        self._models = models
        self._manager = manager
        self._options = options
        self._on_ready = on_ready
        self._stop: Callable[[], None] | None = None
        self.rest: RestService | None = None  # set by `run`

    def stop(self) -> None:
        """Ends `run`, which has begun; any thread may call it, also again."""
        with contextlib.suppress(RuntimeError):  # the event loop has ended
            self._stop()

    async def run(self, handle_signals: bool = True) -> bool:
        """Serves until `stop`, SIGTERM or SIGINT.

        Args:
            handle_signals: False where the event loop is not the main thread's.

        Returns:
            True if every request has ended; False if a thread still runs one, for
            which the process should not wait.

        Raises:
            ServingError: No version of a model loads.
            OSError: A port cannot be had.
        """
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        self._stop = functools.partial(loop.call_soon_threadsafe, stop.set)
        for number in (signal.SIGTERM, signal.SIGINT) if handle_signals else ():
            loop.add_signal_handler(number, _stop_or_end, stop, number)
        if not await self._load(stop):
            return False
        return await self._serve(stop)

    async def _load(self, stop: asyncio.Event) -> bool:
        loading = asyncio.ensure_future(in_background(self._manager.wait_until_ready))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if stop.is_set():
            self._manager.stop()
            return False
        return await loading

    async def _serve(self, stop: asyncio.Event) -> bool:
        options = self._options
        workers = Workers(options.max_running, options.max_waiting)
        metrics = Metrics(self._models, workers)
        self.rest = RestService(
            self._models, workers, metrics, options.rest, options.cors
        )
        runner = web.AppRunner(
            self.rest.application(),
            access_log=None,
            auto_decompress=False,  # limits and broken gzip are ours
            handler_cancellation=True,  # a client that goes frees its slot
            shutdown_timeout=options.shutdown_seconds,
        )
        await runner.setup()
        grpc_server = self._grpc_server(workers, metrics)
        try:
            rest_port = await self._open_rest(runner)
            grpc_port = self._open_grpc(grpc_server)
            await grpc_server.start()
            self._manager.start()
            self._on_ready(options.host, grpc_port, rest_port)
            await stop.wait()
            self.rest.stopping = True
            logger.info(
                "Stopping: %d requests run, %d wait", workers.running, workers.waiting
            )
        finally:
            self._manager.stop()
            # Both close their ports at once, then wait for what they have accepted.
            await asyncio.gather(
                runner.cleanup(), grpc_server.stop(options.shutdown_seconds)
            )
            done = await workers.close(_STOP_SECONDS)
        return done

    def _grpc_server(self, workers: Workers, metrics: Metrics) -> grpc.aio.Server:
        server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", self._options.rest.max_body_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.so_reuseport", 0),  # a port in use is an error
            ]
        )
        any_label_version = self._options.any_label_version
        add_to_server(
            server,
            PredictionService(
                self._models, workers, metrics, self._options.max_input_bytes
            ),
            ModelService(self._models, self._manager, metrics, any_label_version),
        )
        return server

    async def _open_rest(self, runner: web.AppRunner) -> int:
        host, port = self._options.host, self._options.rest_port
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise _no_port("--rest-api-port", host, port, error) from None
        return runner.addresses[0][1]

    def _open_grpc(self, server: grpc.aio.Server) -> int:
        host, port = self._options.host, self._options.grpc_port
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            return server.add_insecure_port(address)
        except RuntimeError as error:  # which says no more than that it failed
            raise _no_port("--port", host, port, error) from None


def _stop_or_end(stop: asyncio.Event, number: int) -> None:
    if stop.is_set() and number == signal.SIGINT:  # somebody at the keyboard insists
        os._exit(128 + number)
    stop.set()


def _no_port(option: str, host: str, port: int, error: Exception) -> OSError:
    number = error.errno if isinstance(error, OSError) else errno.EADDRINUSE
    return OSError(
        number,
        f"Port {port} on {host} cannot be opened (it may be in use, or the address not "
        f"this machine's): choose another {option}, or 0 for a free one",
    )
