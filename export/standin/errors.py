"""The one error of the server: a canonical code and a message."""

from __future__ import annotations

import enum


class Code(enum.IntEnum):
    """Canonical codes, numbered as in gRPC and in TensorFlow's error_codes.proto."""

    OK = 0
    CANCELLED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16


HTTP_STATUS = {
    Code.OK: 200,
    Code.INVALID_ARGUMENT: 400,
    Code.FAILED_PRECONDITION: 400,
    Code.OUT_OF_RANGE: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.ABORTED: 409,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INTERNAL: 500,
    Code.DATA_LOSS: 500,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}
"""REST status of every code, as in `model_servers/http_server.cc`."""


class ServingError(Exception):
    """What a client is told.

    Args:
        code: Canonical code.
        message: What stands in the answer.
        http_status: Of a REST answer, where the code alone does not say it.
    """

    def __init__(self, code: Code, message: str, http_status: int | None = None):
        super().__init__(message)
        self.code = code
        self.message = message
        self.http_status = HTTP_STATUS[code] if http_status is None else http_status

    def __str__(self) -> str:
        return f"{self.code.name}: {self.message}"


def too_large(message: str) -> ServingError:
    return ServingError(Code.RESOURCE_EXHAUSTED, message, http_status=413)


def invalid(message: str) -> ServingError:
    return ServingError(Code.INVALID_ARGUMENT, message)
