"""The REST API, `/healthz`, and the metrics page."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import urllib.parse
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from aiohttp import web
from tensorflow_serving.apis import classification_pb2, model_pb2, regression_pb2

from export.standin import (
    inference,
    information,
    json_examples,
    json_parser,
    json_request,
    json_response,
)
from export.standin.errors import Code, ServingError, invalid, too_large
from export.standin.json_parser import JsonLimits
from export.standin.metrics import CONTENT_TYPE, Metrics
from export.standin.models import Models
from export.standin.servable import DEFAULT_SIGNATURE, Servable
from export.standin.workers import Workers

logger = logging.getLogger(__name__)

METRICS_PATH = "/monitoring/prometheus/metrics"

_VERSION = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
# Paths are case-blind, the verb is not.
_RUN = re.compile(
    rf"(?i:/v1/models/(?P<name>[^/:]+){_VERSION}):(?P<verb>classify|regress|predict)",
    re.ASCII,
)
_ASK = re.compile(
    rf"(?i:/v1/models(?:/(?P<name>[^/:]+))?{_VERSION}(?P<metadata>/metadata)?)",
    re.ASCII,
)
_MAX_VERSION = 2**63 - 1
_NOT_FOUND = (
    "<HTML><HEAD>\n<TITLE>404 Not Found</TITLE>\n</HEAD><BODY>\n"
    "<H1>Not Found</H1>\n</BODY></HTML>\n"
)
_CORS = {
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Allow-Methods": "POST, GET",
    "Access-Control-Allow-Headers": "Content-Type",
}


@dataclass(frozen=True)
class RestLimits:
    """What a request may cost.

    Args:
        timeout_seconds: From its arrival to its answer.
        max_body_bytes: As sent.
        max_unpacked_bytes: Of a gzip body.
        json: Of the document.
    """

    timeout_seconds: float = 30.0
    max_body_bytes: int = 64 * 2**20
    max_unpacked_bytes: int = 100 * 2**20
    json: JsonLimits = field(default_factory=JsonLimits)


class RestService:
    """Answers HTTP requests.

    Args:
        models: The loaded versions.
        workers: What runs them.
        metrics: What counts requests, and the page that shows it.
        limits: Of every request.
        cors: Sends CORS headers.
    """

    def __init__(
        self,
        models: Models,
        workers: Workers,
        metrics: Metrics,
        limits: RestLimits,
        cors: bool = False,
    ) -> None:
        self._models = models
        self._workers = workers
        self._metrics = metrics
        self._limits = limits
        self._headers = _CORS if cors else {}
        self.stopping = False

    def application(self) -> web.Application:
        app = web.Application(client_max_size=self._limits.max_body_bytes)
        # One handler: the paths are matched as they were sent, query string included.
        app.router.add_route("*", "/{path:.*}", self._handle)
        return app

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        path = request.raw_path
        if path.lower().startswith("/v1/"):
            return await self._serve(request, path)
        if path == "/healthz" and request.method in ("GET", "HEAD"):
            healthy = self._models.ready() and not self.stopping
            return web.Response(
                text="ok\n" if healthy else "not available\n",
                status=200 if healthy else 503,
            )
        if path == METRICS_PATH and request.method == "GET":
            return web.Response(
                body=self._metrics.page(), headers={"Content-Type": CONTENT_TYPE}
            )
        return web.Response(text=_NOT_FOUND, status=404, content_type="text/html")

    async def _serve(self, request: web.Request, path: str) -> web.Response:
        if request.method == "OPTIONS" and request.headers.get("Origin", "").startswith(
            "http"
        ):
            return web.Response(headers=self._headers)
        pattern = {"POST": _RUN, "GET": _ASK}.get(request.method)
        match = pattern.fullmatch(path) if pattern else None
        groups = match.groupdict() if match else {}
        name = urllib.parse.unquote(groups.get("name") or "")
        method = groups.get("verb") or ("status" if match else "malformed")
        method = "metadata" if groups.get("metadata") else method
        with self._metrics.count(name, method, "rest") as outcome:
            try:
                if match is None:
                    raise invalid(f"Malformed request: {request.method} {path}")
                if int(groups["version"] or 0) > _MAX_VERSION:
                    outcome.code = Code.INVALID_ARGUMENT
                    return self._json(b"", 400)  # without a word, as the real one
                body = await self._answer(request, name, groups)
                return self._json(body, 200)
            except asyncio.CancelledError:  # the client has gone
                outcome.code = Code.CANCELLED
                raise
            except ServingError as raised:
                error = raised.with_traceback(None)  # its frames hold the request
            except Exception as raised:
                logger.exception("%s %s failed", request.method, path)
                error = ServingError(
                    Code.INTERNAL, f"{type(raised).__name__}: {raised}"
                )
            outcome.code = error.code
            answer = self._json(
                json.dumps({"error": error.message}).encode(), error.http_status
            )
            if error.code == Code.UNAVAILABLE:
                answer.headers["Retry-After"] = "1"
            return answer

    def _json(self, body: bytes, status: int) -> web.Response:
        return web.Response(
            body=body,
            status=status,
            content_type="application/json",
            headers=self._headers,
        )

    async def _answer(self, request: web.Request, name: str, groups: dict) -> bytes:
        spec = model_pb2.ModelSpec(name=name.encode("utf-8", "replace").decode())
        if groups["version"]:
            spec.version.value = int(groups["version"])
        elif groups["label"]:
            spec.version_label = urllib.parse.unquote(groups["label"])
        if "verb" not in groups:
            if not name:
                raise invalid("Missing model name in request.")
            if groups["metadata"]:
                return information.metadata_json(self._models, spec)
            return information.status_json(self._models, spec)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._limits.timeout_seconds
        body = await self._body(request)
        is_gzip = "gzip" in request.headers.get("Content-Encoding", "").lower()
        run = {"predict": _predict, "classify": _classify, "regress": _regress}
        function = run[groups["verb"]]

        def job(stop):
            plain = self._unpack(body) if is_gzip else body
            document = json_parser.parse(plain, self._limits.json)
            signature = json_request.signature_name(document)
            with self._models.lend(spec) as servable:
                return function(servable, spec, signature, document, stop)

        return await self._workers.run(job, max(deadline - loop.time(), 0.0))

    async def _body(self, request: web.Request) -> bytes:
        try:
            return await asyncio.wait_for(request.read(), self._limits.timeout_seconds)
        except web.HTTPRequestEntityTooLarge:
            raise too_large(
                f"The body is larger than the limit of {self._limits.max_body_bytes} "
                "bytes (--max-request-bytes)"
            ) from None
        except asyncio.TimeoutError:
            raise ServingError(
                Code.DEADLINE_EXCEEDED, "The body did not arrive in time", 408
            ) from None

    def _unpack(self, body: bytes) -> bytes:
        """A gzip body's content; a broken one reads as an empty document."""
        limit = self._limits.max_unpacked_bytes
        unpacker = zlib.decompressobj(wbits=31)
        try:
            plain = unpacker.decompress(body, limit + 1)
        except zlib.error:
            return b""
        if len(plain) > limit:
            raise too_large(
                f"The body is larger than the limit of {limit} bytes when it is "
                "unpacked (--max-unpacked-bytes)"
            )
        return plain if unpacker.eof else b""


def _predict(
    servable: Servable, spec: model_pb2.ModelSpec, name: str, document: dict, stop
) -> bytes:
    key = name or DEFAULT_SIGNATURE
    if key not in servable.signatures:
        raise invalid(f'Serving signature name: "{key}" not found in signature def')
    signature = servable.signatures[key]
    form, inputs = json_request.read(document, signature.inputs, name)
    outputs = signature.run(inputs, signature.wanted_outputs(()), stop)
    return json_response.write(outputs, form)


def _classify(servable: Servable, spec, name: str, document: dict, stop) -> bytes:
    request = classification_pb2.ClassificationRequest()
    response = _run_examples(
        servable, spec, name, document, stop, request, inference.classify
    )
    return json_examples.write_classes(response.result)


def _regress(servable: Servable, spec, name: str, document: dict, stop) -> bytes:
    request = regression_pb2.RegressionRequest()
    response = _run_examples(
        servable, spec, name, document, stop, request, inference.regress
    )
    return json_examples.write_values(response.result)


def _run_examples(
    servable: Servable,
    spec: model_pb2.ModelSpec,
    name: str,
    document: dict,
    stop,
    request,
    function: Callable,
):
    request.input.CopyFrom(json_examples.read(document))
    request.model_spec.CopyFrom(spec)
    request.model_spec.signature_name = name.encode("utf-8", "replace").decode()
    return function(servable, request, stop)
