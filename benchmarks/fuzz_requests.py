"""Requests no client should send, made from a seed and a model's signatures."""

from __future__ import annotations

import base64
import gzip
import json
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import predict_pb2

_ODD = (
    *(None, True, False, 0, -1, 1, 2**31, -(2**31) - 1, 2**63, 2**64, 10**40),
    *(0.0, 0.5, -1.5, 1e39, 1e300, float("nan"), float("inf"), -float("inf")),
    *("", "x", "Hello.", "\u0000", "\U0001f600", [], [[]], [1, [2]], {}, {"x": 1}),
    *({"b64": ""}, {"b64": "*"}, {"b64": 1}, {"b64": "YQ==", "x": 1}),
)
_INTEGERS = {"DT_INT8", "DT_UINT8", "DT_INT16", "DT_INT32", "DT_INT64"}
_UNSIGNED = {"DT_UINT16", "DT_UINT32", "DT_UINT64"}
_DTYPES = tuple(types_pb2.DataType.values())


@dataclass(frozen=True)
class HttpRequest:
    """One REST request; `kind` says how it was made."""

    kind: str
    method: str
    path: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class GrpcRequest:
    """One message to Predict, as bytes: it need not be a PredictRequest."""

    kind: str
    message: bytes


class Fuzzer:
    """Makes the requests.

    Args:
        model: Name of the model.
        signatures: name -> input name -> (dtype as in "DT_FLOAT", rank or None).
        seed: int. The i-th request depends on it and on i alone.
        max_text_bytes: Of a random text.
    """

    def __init__(
        self,
        model: str,
        signatures: Mapping[str, Mapping[str, tuple[str, int | None]]],
        seed: int,
        max_text_bytes: int = 100_000,
    ) -> None:
        self._model = model
        self._signatures = signatures
        self._seed = seed
        self._max_text_bytes = max_text_bytes
        self._kinds: tuple[tuple[int, Callable], ...] = (
            (3, self._valid),
            (4, self._mutated),
            (4, self._odd_values),
            (2, self._random_bytes),
            (1, self._nested),
            (2, self._other_keys),
            (2, self._packed),
            (2, self._other_path),
            (4, self._grpc_tensors),
            (1, self._grpc_bytes),
        )

    def request(self, i: int) -> HttpRequest | GrpcRequest:
        rng = random.Random(f"{self._seed} {i}")
        weights = [weight for weight, _ in self._kinds]
        _, make = rng.choices(self._kinds, weights)[0]
        return make(rng)

    def _post(self, kind: str, body: bytes, **headers: str) -> HttpRequest:
        path = f"/v1/models/{self._model}:predict"
        return HttpRequest(kind, "POST", path, body, headers)

    def _signature(self, rng: random.Random) -> tuple[str, Mapping]:
        name = rng.choice(sorted(self._signatures))
        return name, self._signatures[name]

    def _text(self, rng: random.Random) -> bytes:
        if rng.random() < 0.5:
            return rng.choice(
                (b"", b"Hello world.", b"...", b"\xf0\x9f\x98\x80", b"1/0", b"\0a")
            )
        longest = self._max_text_bytes if rng.random() < 0.05 else 200
        return rng.randbytes(rng.randint(0, longest))

    def _value(self, rng: random.Random, dtype: str):
        if dtype == "DT_STRING":
            return {"b64": base64.b64encode(self._text(rng)).decode()}
        if dtype == "DT_BOOL":
            return rng.random() < 0.5
        if dtype in _INTEGERS | _UNSIGNED:
            return rng.choice(
                (1, 1, 2, 6, 0, 100, 2**31 - 1, *([-1] * (dtype in _INTEGERS)))
            )
        return rng.choice((1.0, 1.0, 0.5, 0.0, -1.0, 1e-30, 1e30, rng.gauss(0, 1)))

    def _tensor(self, rng: random.Random, dtype: str, rank: int, size: int):
        if rank == 0:
            return self._value(rng, dtype)
        return [self._tensor(rng, dtype, rank - 1, size) for _ in range(size)]

    def _document(self, rng: random.Random) -> dict:
        """A body with the right names, dtypes and ranks."""
        name, inputs = self._signature(rng)
        rows, size = rng.choice((1, 1, 2, 3)), rng.choice((1, 2, 5))
        columns = {
            key: [
                self._tensor(rng, dtype, max((rank or 1) - 1, 0), size)
                for _ in range(rows)
            ]
            for key, (dtype, rank) in inputs.items()
        }
        if rng.random() < 0.5:
            return {"signature_name": name, "inputs": columns}
        instances = [{k: v[i] for k, v in columns.items()} for i in range(rows)]
        return {"signature_name": name, "instances": instances}

    def _valid(self, rng: random.Random) -> HttpRequest:
        return self._post("valid", json.dumps(self._document(rng)).encode())

    def _mutated(self, rng: random.Random) -> HttpRequest:
        body = bytearray(json.dumps(self._document(rng)).encode())
        for _ in range(rng.randint(1, 6)):
            i = rng.randrange(len(body) + 1)
            change = rng.randrange(4)
            if change == 0:
                del body[i : i + rng.randint(1, 10)]
            elif change == 1:
                body[i:i] = rng.randbytes(rng.randint(1, 4))
            elif change == 2:
                body[i:i] = rng.choice(
                    (b"[", b"]", b"{", b"}", b'"', b",", b"\\", b"9")
                )
            else:
                body[i:i] = body[i : i + 20]
        return self._post("mutated", bytes(body))

    def _odd_values(self, rng: random.Random) -> HttpRequest:
        document = self._document(rng)
        places = []

        def visit(container) -> None:
            keys = container if isinstance(container, dict) else range(len(container))
            for key in keys:
                places.append((container, key))
                if isinstance(container[key], dict | list):
                    visit(container[key])

        visit(document)
        for container, key in rng.sample(places, min(len(places), rng.randint(1, 3))):
            container[key] = rng.choice(_ODD)
        body = json.dumps(document).encode()
        if rng.random() < 0.2:
            digits = b"9" * rng.choice((30, 400, 5000))
            body = body.replace(b"1", digits, 1)
        return self._post("odd values", body)

    def _random_bytes(self, rng: random.Random) -> HttpRequest:
        if rng.random() < 0.5:
            return self._post("random bytes", rng.randbytes(rng.randint(0, 2000)))
        name, inputs = self._signature(rng)
        texts = [key for key, (dtype, _) in inputs.items() if dtype == "DT_STRING"]
        key = json.dumps(rng.choice(texts or ["text"])).encode()
        text = self._text(rng).replace(b'"', b"'").replace(b"\\", b"/")
        head = json.dumps({"signature_name": name})[:-1].encode()
        return self._post(
            "bytes as text", head + b', "instances": [{' + key + b': "' + text + b'"}]}'
        )

    def _nested(self, rng: random.Random) -> HttpRequest:
        depth = rng.choice((3, 20, 60, 300, 5000, 100_000))
        opening = rng.choice((b"[", b'{"a":'))
        closing = rng.choice((b"]" if opening == b"[" else b"}", b""))
        inner = opening * depth + b"1" + closing * depth
        return self._post("nested", b'{"instances": [' + inner + b"]}")

    def _other_keys(self, rng: random.Random) -> HttpRequest:
        document = self._document(rng)
        for _ in range(rng.randint(1, 3)):
            key = rng.choice(("instances", "inputs", "signature_name", "x", ""))
            if rng.random() < 0.5:
                document.pop(key, None)
            else:
                document[key] = rng.choice(_ODD)
        return self._post("other keys", json.dumps(document).encode())

    def _packed(self, rng: random.Random) -> HttpRequest:
        body = gzip.compress(json.dumps(self._document(rng)).encode())
        change = rng.randrange(4)
        if change == 0:
            body = body[: rng.randrange(len(body))]
        elif change == 1:
            body = rng.randbytes(rng.randint(0, 300))
        elif change == 2:
            body = gzip.compress(b'{"instances": ["' + b"a" * 10**7 + b'"]}', 1)
        return self._post("gzip", body, **{"Content-Encoding": "gzip"})

    def _other_path(self, rng: random.Random) -> HttpRequest:
        parts = (
            "/v1/models",
            "/V1/",
            "/",
            self._model,
            ":predict",
            ":classify",
            "?x=1",
        )
        more = (
            "/versions/1",
            "/versions/99999999999999999999",
            "/labels/a",
            "/metadata",
        )
        odd = ("%", "%00", "%2f", "%ff", "..", ":", "//", "x" * 3000, "/versions/-1")
        pieces = rng.choices((*parts, *more, *odd), k=rng.randint(0, 6))
        method = rng.choice(
            ("GET", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "HEAD")
        )
        body = b"{}" if method in ("POST", "PUT", "PATCH") else b""
        return HttpRequest("paths", method, f"/{''.join(pieces)}", body)

    def _grpc_tensors(self, rng: random.Random) -> GrpcRequest:
        name, inputs = self._signature(rng)
        request = predict_pb2.PredictRequest()
        request.model_spec.name = self._model
        request.model_spec.signature_name = name
        for key, (dtype, _) in inputs.items():
            if rng.random() < 0.95:
                request.inputs[key].CopyFrom(self._tensor_proto(rng, dtype))
        if rng.random() < 0.1:
            request.inputs["more"].CopyFrom(self._tensor_proto(rng, "DT_FLOAT"))
        if rng.random() < 0.1:
            request.output_filter.append(rng.choice(("", "y", "audio")))
        return GrpcRequest("gRPC tensors", request.SerializeToString())

    def _tensor_proto(self, rng: random.Random, dtype: str) -> tensor_pb2.TensorProto:
        proto = tensor_pb2.TensorProto(dtype=types_pb2.DataType.Value(dtype))
        if rng.random() < 0.2:
            proto.dtype = rng.choice(_DTYPES)
        for _ in range(rng.choice((0, 1, 1, 1, 2, 3, 300))):
            size = rng.choice((0, 1, 1, 2, 3, -1, 2**20, 2**62))
            proto.tensor_shape.dim.add(size=size)
        if rng.random() < 0.05:
            proto.tensor_shape.unknown_rank = True
        count = rng.choice((0, 1, 1, 2, 3))
        if rng.random() < 0.3:
            proto.tensor_content = rng.randbytes(rng.choice((0, 1, 4, 8, 16, 100)))
        elif dtype == "DT_STRING":
            proto.string_val.extend(self._text(rng) for _ in range(count))
        else:
            proto.float_val.extend(rng.gauss(0, 1) for _ in range(count))
            proto.int_val.extend(rng.randint(-2, 20) for _ in range(count))
            proto.int64_val.extend(rng.randint(-2, 2**62) for _ in range(count))
        return proto

    def _grpc_bytes(self, rng: random.Random) -> GrpcRequest:
        message = bytearray(self._grpc_tensors(rng).message)
        for _ in range(rng.randint(1, 5)):
            message[rng.randrange(len(message))] = rng.randrange(256)
        return GrpcRequest("gRPC bytes", bytes(message))
