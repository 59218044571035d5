"""REST: TensorFlow Serving's JSON, in its column form.

`requests` and not the standard library: it keeps connections open, shared by threads,
and checks certificates, without code of ours.
"""

from __future__ import annotations

import base64
import binascii
import json
import time
from collections.abc import Mapping
from urllib.parse import quote

import numpy as np
import requests

from export.client.errors import ServerError
from export.client.transport import (
    DTYPES,
    STRING,
    Connection,
    Model,
    Signature,
    Version,
)

_CONNECTIONS = 64  # kept open at most; more requests at a time only open new ones
_CHUNK_BYTES = 1 << 16
# HTTP statuses as gRPC's; those of proxies before the server among them.
_CODES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ABORTED",
    429: "RESOURCE_EXHAUSTED",
    499: "CANCELLED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}


class RestTransport:
    """See `Transport`."""

    def __init__(self, connection: Connection):
        self._connection = connection
        self._session = requests.Session()
        scheme = "https" if connection.tls else "http"
        adapter = requests.adapters.HTTPAdapter(pool_maxsize=_CONNECTIONS)
        self._session.mount(f"{scheme}://", adapter)
        name = quote(connection.model, safe="")
        self._address = f"{scheme}://{connection.server}/v1/models/{name}"

    def describe(self, version: Version) -> Model:
        answer = self._call("GET", f"{_path(version)}/metadata")
        try:
            found = answer["metadata"]["signature_def"]["signature_def"]
            number = answer["model_spec"].get("version")
            return Model(
                int(number) if number else None,
                {
                    name: Signature(
                        _types(signature.get("inputs", {})),
                        _types(signature.get("outputs", {})),
                    )
                    for name, signature in found.items()
                },
            )
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ServerError(
                "INTERNAL", f"the metadata has another form than expected: {error!r}"
            ) from None

    def status(self) -> list[tuple[int, str, str]]:
        answer = self._call("GET", "")
        try:
            return [
                (
                    int(item["version"]),
                    item["state"],
                    item.get("status", {}).get("error_message", ""),
                )
                for item in answer["model_version_status"]
            ]
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ServerError(
                "INTERNAL", f"the status has another form than expected: {error!r}"
            ) from None

    def predict(
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Mapping[str, str],
        version: Version,
    ) -> dict[str, np.ndarray]:
        columns = {name: _to_json(array) for name, array in inputs.items()}
        # The name of a single input is left out, as that of a single output is.
        sent = columns if len(columns) > 1 else next(iter(columns.values()))
        body = json.dumps({"signature_name": signature, "inputs": sent})
        answer = self._call("POST", f"{_path(version)}:predict", body)
        if "outputs" not in answer:
            raise ServerError("INTERNAL", "the answer has no outputs")
        found = answer["outputs"]
        if not isinstance(found, dict):
            found = dict.fromkeys(list(outputs)[:1], found)
        arrays = {}
        for name, expected in outputs.items():
            if name not in found:
                raise ServerError("INTERNAL", f"the answer has no output {name!r}")
            try:
                arrays[name] = _to_array(found[name], DTYPES[expected])
            except (ValueError, TypeError, OverflowError) as error:
                raise ServerError("INTERNAL", f"output {name!r}: {error}") from None
        return arrays

    def close(self) -> None:
        self._session.close()

    def _call(self, method: str, path: str, body: str | None = None) -> dict:
        url = self._address + path
        data = None if body is None else body.encode()
        status, content = self._connection.retries.run(
            lambda: self._attempt(method, url, data)
        )
        try:
            answer = json.loads(content)
        except ValueError:
            start = content[:60].decode("utf-8", "replace")
            raise ServerError(
                "INTERNAL", f"status {status}, but no JSON in the answer: {start!r}"
            ) from None
        if not isinstance(answer, dict):
            raise ServerError("INTERNAL", "the answer is no JSON object")
        return answer

    def _attempt(self, method: str, url: str, data: bytes | None) -> tuple[int, bytes]:
        seconds = self._connection.timeout_seconds
        deadline = time.monotonic() + seconds
        late = ServerError("DEADLINE_EXCEEDED", f"no answer within {seconds:g} seconds")
        content = bytearray()
        try:
            with self._session.request(
                method,
                url,
                data=data,
                headers={"Content-Type": "application/json"},
                timeout=seconds,  # of each read, hence the look at the clock below
                stream=True,
                allow_redirects=False,
                # Of the session, the environment's REQUESTS_CA_BUNDLE would replace it.
                verify=str(self._connection.ca_file or "") or True,
            ) as answer:
                for chunk in answer.iter_content(_CHUNK_BYTES):
                    content += chunk
                    if time.monotonic() > deadline:
                        raise late
        except requests.Timeout:
            raise late from None
        except requests.exceptions.SSLError as error:
            raise ServerError("UNAUTHENTICATED", f"TLS: {_innermost(error)}") from None
        except requests.RequestException as error:
            if time.monotonic() >= deadline:  # while an answer was being read
                raise late from None
            broken = (
                requests.ConnectionError,
                requests.exceptions.ChunkedEncodingError,
            )
            code = "UNAVAILABLE" if isinstance(error, broken) else "UNKNOWN"
            raise ServerError(code, _innermost(error)) from None
        if answer.status_code != 200:
            code = _CODES.get(answer.status_code, f"HTTP {answer.status_code}")
            raise ServerError(code, _error_text(bytes(content), answer.reason))
        return answer.status_code, bytes(content)


def _path(version: Version) -> str:
    if version.label is not None:
        return f"/labels/{quote(version.label, safe='')}"
    return "" if version.number is None else f"/versions/{version.number}"


def _types(tensors: Mapping[str, Mapping]) -> dict[str, str]:
    return {name: info["dtype"] for name, info in tensors.items()}


def _to_json(array: np.ndarray) -> list:
    if array.dtype == STRING:
        return [text.decode() for text in array.tolist()]
    if array.dtype == np.float32:
        # By way of text: the shortest number that reads back as this float32, half as
        # long as all digits of its double.
        array = array.astype("U16").astype(np.float64)
    return array.tolist()


def _to_array(value: list, dtype: np.dtype) -> np.ndarray:
    if dtype != STRING:
        return np.array(value, dtype)
    return np.array([_to_bytes(item) for item in value], STRING)


def _to_bytes(item: str | dict) -> bytes:
    if isinstance(item, str):
        return item.encode()
    try:
        return base64.b64decode(item["b64"], validate=True)
    except (KeyError, TypeError, binascii.Error) as error:
        raise ValueError(f"neither a string nor base64: {error!r}") from None


def _error_text(content: bytes, reason: str) -> str:
    try:
        return str(json.loads(content)["error"])
    except (ValueError, KeyError, TypeError):
        start = content[:200].decode("utf-8", "replace").strip()
        return start or reason or "without an explanation"


def _innermost(error: BaseException) -> str:
    """urllib3 wraps what the system says several times."""
    while True:
        reason = getattr(error, "reason", None)
        inner = [reason, *error.args, error.__cause__]
        for candidate in inner:
            if isinstance(candidate, BaseException) and candidate is not error:
                error = candidate
                break
        else:
            said = str(error).strip()
            return (
                said if isinstance(error, OSError) else f"{type(error).__name__} {said}"
            )
