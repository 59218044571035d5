"""Thousands of generated requests against a running server; nothing may break.

    python -m export.serve --model-base-path models/NAME &
    python -m benchmarks.serving_fuzz --model NAME --requests 10000

Every request is made from the seed and its number, so one that failed can be sent again
with `--first`. It fails if the server answers 500, drops the connection, or does not
answer in time; 501 (a dtype JSON cannot give), 503 (busy) and 504 (the server's own
time limit) have a cause and are counted.
"""

from __future__ import annotations

import argparse
import collections
import http.client
import json
import re
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import grpc

from benchmarks import measuring
from benchmarks.fuzz_requests import Fuzzer, GrpcRequest, HttpRequest

_PREDICT = "/tensorflow.serving.PredictionService/Predict"
_BAD_HTTP = (500, 502, 599)
# No cause for these but the server; DEADLINE_EXCEEDED here is no answer in time.
_BAD_CODES = ("UNKNOWN", "INTERNAL", "DATA_LOSS", "DEADLINE_EXCEEDED")


@dataclass
class Outcome:
    """What became of all requests so far."""

    counts: collections.Counter = field(default_factory=collections.Counter)
    failures: list[str] = field(default_factory=list)
    slowest_seconds: float = 0.0
    slowest: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(
        self, number: int, kind: str, status: str, seconds: float, bad: str
    ) -> None:
        with self.lock:
            self.counts[kind, status] += 1
            if bad:
                self.failures.append(f"request {number} ({kind}): {status} {bad}")
            if seconds > self.slowest_seconds:
                self.slowest_seconds = seconds
                self.slowest = f"request {number}, {kind}, {status}"


class Target:
    """A server's two addresses, for one thread.

    Args:
        rest: "host:port".
        grpc_address: "host:port", or None to leave gRPC out.
        timeout_seconds: After which an answer counts as a hang.
    """

    def __init__(
        self, rest: str, grpc_address: str | None, timeout_seconds: float
    ) -> None:
        self._rest = rest
        self._timeout_seconds = timeout_seconds
        self._connection: http.client.HTTPConnection | None = None
        self._predict = None
        if grpc_address:
            options = [("grpc.max_receive_message_length", -1)]
            channel = grpc.insecure_channel(grpc_address, options=options)
            self._predict = channel.unary_unary(_PREDICT)

    def send(self, request: HttpRequest | GrpcRequest) -> tuple[str, str]:
        """The status, and what is bad about it (nothing, if empty)."""
        if isinstance(request, GrpcRequest):
            return self._send_grpc(request) if self._predict else ("left out", "")
        return self._send_http(request)

    def _send_http(self, request: HttpRequest) -> tuple[str, str]:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(
                self._rest, timeout=self._timeout_seconds
            )
        try:
            self._connection.request(
                request.method, request.path, request.body, dict(request.headers)
            )
            response = self._connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            self._connection = None
            return "no answer", repr(error)
        if response.will_close:
            self._connection = None
        bad = response.status in _BAD_HTTP
        return str(response.status), body[:300].decode(
            "utf-8", "replace"
        ) if bad else ""

    def _send_grpc(self, request: GrpcRequest) -> tuple[str, str]:
        try:
            self._predict(request.message, timeout=self._timeout_seconds)
        except grpc.RpcError as error:
            code, text = error.code(), error.details()
            return code.name, text[:300] or "?" if code.name in _BAD_CODES else ""
        return "OK", ""


def get(rest: str, path: str) -> bytes:
    """Raises OSError if the server does not answer 200."""
    connection = http.client.HTTPConnection(rest, timeout=30)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status != 200:
        raise OSError(f"http://{rest}{path} answers {response.status}")
    return body


def signatures(rest: str, model: str) -> dict[str, dict[str, tuple[str, int | None]]]:
    """Input name -> dtype and rank, of every signature that has inputs."""
    metadata = json.loads(get(rest, f"/v1/models/{model}/metadata"))
    found = metadata["metadata"]["signature_def"]["signature_def"]
    result = {}
    for name, definition in found.items():
        inputs = {}
        for key, info in definition["inputs"].items():
            shape = info["tensor_shape"]
            rank = None if shape["unknown_rank"] else len(shape["dim"])
            inputs[key] = (info["dtype"], rank)
        if inputs:
            result[name] = inputs
    return result


def resident_bytes(rest: str) -> int | None:
    """The server's memory as its metrics page tells it, if it does."""
    try:
        page = get(rest, "/monitoring/prometheus/metrics").decode()
    except OSError:
        return None
    match = re.search(r"^process_resident_memory_bytes (\S+)$", page, re.MULTILINE)
    return int(float(match[1])) if match else None


def run(
    fuzzer: Fuzzer,
    targets: Sequence[Target],
    numbers: Sequence[int],
    outcome: Outcome | None = None,
) -> Outcome:
    """Sends the requests with these numbers, one thread for each target."""
    outcome = outcome or Outcome()
    remaining = iter(list(numbers))
    lock = threading.Lock()

    def work(target: Target) -> None:
        while True:
            with lock:
                number = next(remaining, None)
            if number is None:
                return
            request = fuzzer.request(number)
            begin = time.perf_counter()
            status, bad = target.send(request)
            seconds = time.perf_counter() - begin
            outcome.add(number, request.kind, status, seconds, bad)

    threads = [threading.Thread(target=work, args=(target,)) for target in targets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcome


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving_fuzz",
        description="Generated requests against a running server.",
    )
    parser.add_argument("--rest", default="127.0.0.1:8501", metavar="HOST:PORT")
    parser.add_argument("--grpc", default="127.0.0.1:8500", metavar="HOST:PORT")
    parser.add_argument("--no-grpc", action="store_true", help="REST only")
    parser.add_argument("--model", required=True)
    parser.add_argument("--signatures", nargs="+", help="only these")
    parser.add_argument("--requests", type=measuring.positive, default=10_000)
    parser.add_argument("--first", type=int, default=0, help="number to begin with")
    parser.add_argument("--clients", type=measuring.positive, default=4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--timeout-seconds", type=float, default=60.0, help="no answer is a hang"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    return measuring.run(build_parser(), _fuzz, argv)


def _fuzz(args: argparse.Namespace) -> int:
    chosen = _choose(signatures(args.rest, args.model), args.signatures)
    fuzzer = Fuzzer(args.model, chosen, args.seed)
    address = None if args.no_grpc else args.grpc
    targets = [
        Target(args.rest, address, args.timeout_seconds) for _ in range(args.clients)
    ]
    numbers = range(args.first, args.first + args.requests)
    # The first tenth fills caches and pools; growth after it would be a leak.
    tenth = max(1, len(numbers) // 10)
    memory = [resident_bytes(args.rest)]
    begin = time.perf_counter()
    outcome = run(fuzzer, targets, numbers[:tenth])
    memory.append(resident_bytes(args.rest))
    run(fuzzer, targets, numbers[tenth:], outcome)
    memory.append(resident_bytes(args.rest))
    _report(outcome, memory, time.perf_counter() - begin)
    return 1 if outcome.failures else 0


def _choose(found: Mapping, names: Sequence[str] | None) -> dict:
    for name in names or ():
        if name not in found:
            raise ValueError(f"no signature {name}; the model has {sorted(found)}")
    return {name: found[name] for name in names or found}


def _report(outcome: Outcome, memory: Sequence[int | None], seconds: float) -> None:
    kinds = sorted({kind for kind, _ in outcome.counts})
    statuses = sorted({status for _, status in outcome.counts})
    rows = [
        (kind, *(outcome.counts[kind, status] or "" for status in statuses))
        for kind in kinds
    ]
    totals = [sum(outcome.counts[k, s] for k in kinds) for s in statuses]
    print(measuring.table(("kind", *statuses), [*rows, ("all", *totals)]))
    print(f"\n{sum(totals)} requests in {seconds:.1f} s")
    print(f"slowest answer: {outcome.slowest_seconds:.2f} s ({outcome.slowest})")
    shown = ["?" if m is None else f"{m / 2**20:.0f} MiB" for m in memory]
    print("memory before, after a tenth, at the end: " + ", ".join(shown))
    print(f"failures: {len(outcome.failures)}")
    for line in outcome.failures[:20]:
        print(f"  {line}")


if __name__ == "__main__":
    sys.exit(main())
