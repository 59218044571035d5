"""What gRPC and REST have in common, and which of them to use."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np

from export.client.retries import Retries

STRING = np.dtype(object)
"""dtype of arrays of `bytes`."""

DTYPES = {
    "DT_FLOAT": np.dtype("<f4"),
    "DT_DOUBLE": np.dtype("<f8"),
    "DT_INT32": np.dtype("<i4"),
    "DT_INT64": np.dtype("<i8"),
    "DT_BOOL": np.dtype(bool),
    "DT_STRING": STRING,
}
"""TensorFlow's name of a type -> NumPy's dtype, of all types that are sent or read."""


def type_name(dtype: np.dtype) -> str:
    """The inverse of `DTYPES`.

    Raises:
        ValueError: Another dtype.
    """
    for name, known in DTYPES.items():
        if known == dtype:
            return name
    raise ValueError(f"no tensor can be made of dtype {dtype}")


@dataclass(frozen=True)
class Signature:
    """Inputs and outputs of a signature: name -> TensorFlow's type, as "DT_FLOAT"."""

    inputs: Mapping[str, str]
    outputs: Mapping[str, str]


@dataclass(frozen=True)
class Model:
    """What a server says of a model.

    Args:
        version: int, or None where the server does not say.
        signatures: Name -> `Signature`.
    """

    version: int | None
    signatures: Mapping[str, Signature]


@dataclass(frozen=True)
class Connection:
    """Where requests go, and how long they may take.

    Args:
        server: "host:port".
        model: Name that the server knows the model by.
        timeout_seconds: float > 0, for one attempt at one request.
        retries: `Retries`.
        tls: bool.
        ca_file: PEM file of certificates to trust; None: the public ones.
    """

    server: str
    model: str
    timeout_seconds: float = 120.0
    retries: Retries = field(default_factory=Retries)
    tls: bool = False
    ca_file: Path | None = None

    def __post_init__(self):
        if not 0 < self.timeout_seconds < float("inf"):
            raise ValueError(
                f"timeout must be above 0 seconds. Received: {self.timeout_seconds}"
            )
        if not self.model:
            raise ValueError("the model's name is empty")
        if self.ca_file and not self.tls:
            raise ValueError(f"a CA file ({self.ca_file}) is of use with TLS only")
        if self.ca_file and not Path(self.ca_file).is_file():
            raise FileNotFoundError(f"{self.ca_file}: no such file of certificates")


@dataclass(frozen=True)
class Version:
    """Of the model that is to answer: a number, a label, or neither (the newest)."""

    number: int | None = None
    label: str | None = None


class Transport(Protocol):
    """A way to a server. May be used from several threads."""

    def describe(self, version: Version) -> Model:
        """Raises `ServerError`."""

    def status(self) -> list[tuple[int, str, str]]:
        """Version, state, and the server's message, of each known version."""

    def predict(
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Mapping[str, str],
        version: Version,
    ) -> dict[str, np.ndarray]:
        """Runs a signature.

        Args:
            signature: Its name.
            inputs: Name -> array; strings are `bytes` in arrays of objects.
            outputs: Those wanted: name -> TensorFlow's type.
            version: `Version`.
        Raises:
            ServerError: Or an answer that is not what was asked for.
        """

    def close(self) -> None: ...


def address(server: str, default_port: int) -> str:
    """`server` with a port.

    Raises:
        ValueError: It is not "host", "host:port" or "[IPv6]:port".
    """
    if "://" in server or "/" in server or not server:
        raise ValueError(f"expected a server as host:port. Received: {server!r}")
    host, colon, port = server.rpartition(":")
    if not colon or server.endswith("]"):
        return f"{server}:{default_port}"
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"expected a server as host:port. Received: {server!r}")
    return server


def connect(connection: Connection, rest: bool) -> Transport:
    """gRPC, or REST."""
    # Each needs one library more, so that a user of one need not install the other's.
    if rest:
        from export.client.rest_transport import RestTransport

        return RestTransport(connection)
    from export.client.grpc_transport import GrpcTransport

    return GrpcTransport(connection)
