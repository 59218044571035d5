"""Requests a second and their times under 1, 4 and 16 clients; nothing may be lost.

    python -m export.serve --model-base-path models/NAME &
    python -m benchmarks.serving_load --model NAME --inputs '{"text": ["Hello."]}'

Every client sends one request after the other, over a connection of its own, for so
many seconds. "lost" counts requests without an answer, and answers that the server's
own counter does not have, where it has a metrics page.
"""

from __future__ import annotations

import argparse
import functools
import http.client
import json
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import numpy as np

from benchmarks import measuring
from benchmarks.serving_fuzz import get


@dataclass
class Load:
    """What the clients of one run have seen."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter = field(default_factory=Counter)
    num_sent: int = 0
    num_bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def num_lost(self) -> int:
        return self.num_sent - len(self.seconds)


# Sends one request: the status, and the answer's size.
Send = Callable[[], tuple[str, int]]


def rest_sender(address: str, model: str, body: bytes, timeout_seconds: float) -> Send:
    connection = http.client.HTTPConnection(address, timeout=timeout_seconds)

    def send() -> tuple[str, int]:
        connection.request("POST", f"/v1/models/{model}:predict", body)
        response = connection.getresponse()
        return str(response.status), len(response.read())

    return send


def grpc_sender(address: str, request, timeout_seconds: float) -> Send:
    from tensorflow_serving.apis import prediction_service_pb2_grpc

    options = [
        ("grpc.max_receive_message_length", -1),
        # Or all clients would share one connection.
        ("grpc.use_local_subchannel_pool", 1),
    ]
    channel = grpc.insecure_channel(address, options=options)
    stub = prediction_service_pb2_grpc.PredictionServiceStub(channel)

    def send() -> tuple[str, int]:
        try:
            return "OK", stub.Predict(request, timeout=timeout_seconds).ByteSize()
        except grpc.RpcError as error:
            return error.code().name, 0

    return send


def predict_request(address: str, model: str, signature: str, inputs: dict):
    """A PredictRequest with the dtypes that the server's metadata names.

    Raises:
        ValueError: The inputs do not fit the signature.
        OSError: No answer.
    """
    import tensorflow as tf
    from tensorflow_serving.apis import (
        get_model_metadata_pb2,
        predict_pb2,
        prediction_service_pb2_grpc,
    )

    from export.standin import json_request
    from export.standin.errors import ServingError

    stub = prediction_service_pb2_grpc.PredictionServiceStub(
        grpc.insecure_channel(address)
    )
    ask = get_model_metadata_pb2.GetModelMetadataRequest(
        metadata_field=["signature_def"]
    )
    ask.model_spec.name = model
    definitions = get_model_metadata_pb2.SignatureDefMap()
    try:
        stub.GetModelMetadata(ask, timeout=30).metadata["signature_def"].Unpack(
            definitions
        )
    except grpc.RpcError as error:
        raise OSError(f"{address}: {error.code().name}: {error.details()}") from None
    if signature not in definitions.signature_def:
        known = sorted(definitions.signature_def)
        raise ValueError(f"no signature {signature}; the model has {known}")
    try:
        _, tensors = json_request.read(
            {"inputs": inputs}, definitions.signature_def[signature].inputs, signature
        )
    except ServingError as error:
        raise ValueError(f"--inputs: {error.message}") from None
    request = predict_pb2.PredictRequest()
    request.model_spec.name, request.model_spec.signature_name = model, signature
    for name, tensor in tensors.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(tensor))
    return request


def run(make_sender: Callable[[], Send], num_clients: int, seconds: float) -> Load:
    """Keeps `num_clients` requests in flight; those begun in time are waited for."""
    load = Load()
    begin = threading.Barrier(num_clients)

    def client() -> None:
        send = make_sender()
        begin.wait()
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            with load.lock:
                load.num_sent += 1
            start = time.perf_counter()
            try:
                status, size = send()
            except (OSError, http.client.HTTPException) as error:
                with load.lock:
                    load.statuses[type(error).__name__] += 1
                send = make_sender()
                continue
            with load.lock:
                load.seconds.append(time.perf_counter() - start)
                load.statuses[status] += 1
                load.num_bytes += size

    threads = [threading.Thread(target=client) for _ in range(num_clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return load


def answered(rest: str, protocol: str) -> float | None:
    """Predict requests the server says it has answered; None if it does not tell."""
    try:
        page = get(rest, "/monitoring/prometheus/metrics").decode()
    except OSError:
        return None
    lines = re.findall(r"^serving_requests_total{(.*)} (\S+)$", page, re.MULTILINE)
    return sum(
        float(count)
        for labels, count in lines
        if f'protocol="{protocol}"' in labels and 'method="predict"' in labels.lower()
    )


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.serving_load",
        description="Requests a second of a running server.",
    )
    parser.add_argument("--grpc", default="127.0.0.1:8500", metavar="HOST:PORT")
    parser.add_argument("--rest", default="127.0.0.1:8501", metavar="HOST:PORT")
    parser.add_argument("--protocols", nargs="+", default=("grpc", "rest"))
    parser.add_argument("--model", required=True)
    parser.add_argument("--signature", default="serving_default")
    parser.add_argument(
        "--inputs",
        required=True,
        metavar="JSON",
        help='a column for each input, {"text": ["Hello."]}, or @FILE with it',
    )
    parser.add_argument(
        "--clients", type=measuring.positive, nargs="+", default=(1, 4, 16)
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="of each run")
    parser.add_argument("--timeout-seconds", type=float, default=120.0)
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    return measuring.run(build_parser(), _report, argv)


def _report(args: argparse.Namespace) -> int:
    senders = _senders(args)
    for protocol, sender in senders.items():
        status, _ = sender()()  # also warms the server up
        if status not in ("OK", "200"):
            raise ValueError(f"the request is answered {status} over {protocol}")
    print(f"{args.signature}, {args.seconds:g} s each\n")
    rows, num_lost = [], 0
    for protocol, sender in senders.items():
        for num_clients in args.clients:
            row, lost = _measure(args, protocol, sender, num_clients)
            rows.append(row)
            num_lost += lost
    header = ("protocol", "clients", "requests/s", "p50 ms", "p99 ms", "slowest ms")
    print(measuring.table((*header, "MB/s", "statuses", "lost"), rows))
    return 1 if num_lost else 0


def _senders(args: argparse.Namespace) -> dict[str, Callable[[], Send]]:
    text = args.inputs
    if text.startswith("@"):
        text = Path(text[1:]).read_text(encoding="utf-8")
    try:
        inputs = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"--inputs is no JSON: {error}") from None
    body = json.dumps({"signature_name": args.signature, "inputs": inputs}).encode()
    senders: dict[str, Callable[[], Send]] = {}
    for protocol in args.protocols:
        if protocol == "rest":
            make, address, content = rest_sender, args.rest, (args.model, body)
        elif protocol == "grpc":
            request = predict_request(args.grpc, args.model, args.signature, inputs)
            make, address, content = grpc_sender, args.grpc, (request,)
        else:
            raise ValueError(f"--protocols are grpc and rest. Received: {protocol}")
        senders[protocol] = functools.partial(
            make, address, *content, args.timeout_seconds
        )
    return senders


def _measure(
    args: argparse.Namespace, protocol: str, sender: Callable, num_clients: int
) -> tuple[tuple, int]:
    before = answered(args.rest, protocol)
    begin = time.perf_counter()
    load = run(sender, num_clients, args.seconds)
    elapsed = time.perf_counter() - begin
    lost = load.num_lost
    if before is not None:
        lost += abs(round(answered(args.rest, protocol) - before) - len(load.seconds))
    milliseconds = np.array(load.seconds or [np.nan]) * 1000
    statuses = ", ".join(f"{s}: {n}" for s, n in sorted(load.statuses.items()))
    return (
        protocol,
        num_clients,
        f"{len(load.seconds) / elapsed:.1f}",
        *(f"{np.percentile(milliseconds, p):.1f}" for p in (50, 99, 100)),
        f"{load.num_bytes / elapsed / 1e6:.2f}",
        statuses,
        lost,
    ), lost


if __name__ == "__main__":
    sys.exit(main())
