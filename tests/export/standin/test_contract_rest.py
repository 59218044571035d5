"""The REST rules of SERVING.md as a table: request, status, what the answer says."""

from __future__ import annotations

import base64
import gzip
import json
import re
import socket

import pytest

PREDICT = "/v1/models/toy:predict"

# What differs from PREDICT with GET is in the path; the body decides the method.
PATHS = {
    "case-blind path": ("POST", "/V1/Models/toy:predict", 200, "predictions"),
    "version": ("POST", "/v1/models/toy/versions/3:predict", 200, "predictions"),
    "zeros before a version": ("GET", "/v1/models/toy/versions/003", 200, "AVAILABLE"),
    "encoded name": ("POST", "/v1/models/t%6fy:predict", 200, "predictions"),
    "status": ("GET", "/v1/models/toy", 200, '"state": "AVAILABLE"'),
    "status of a version": ("GET", "/v1/models/toy/versions/3", 200, "AVAILABLE"),
    "status ignores a label": ("GET", "/v1/models/toy/labels/none", 200, "AVAILABLE"),
    "metadata": ("GET", "/v1/models/toy/metadata", 200, "signature_def"),
    "metadata of a version": (
        *("GET", "/v1/models/toy/versions/3/metadata", 200, "signature_def"),
    ),
    "other model": ("POST", "/v1/models/no:predict", 404, "not found for .*Latest(no)"),
    "other version": (
        *("POST", "/v1/models/toy/versions/1:predict", 404, "Specific(toy, 1)"),
    ),
    "other label": (
        *("POST", "/v1/models/toy/labels/no:predict", 400),
        "Unrecognized servable version label: no",
    ),
    "status of another model": (
        *("GET", "/v1/models/no", 404, "Could not find any versions of model no"),
    ),
    "status of another version": (
        *("GET", "/v1/models/toy/versions/1", 404),
        "Could not find version 1 of model toy",
    ),
    "metadata of another model": (
        *("GET", "/v1/models/no/metadata", 404, "Servable not found for request"),
    ),
    "no model name": ("GET", "/v1/models", 400, "Missing model name in request."),
    "verb in capitals": ("POST", "/v1/models/toy:PREDICT", 400, "Malformed request"),
    "another verb": ("POST", "/v1/models/toy:run", 400, "Malformed request: POST"),
    "no verb": ("POST", "/v1/models/toy", 400, "Malformed request: POST /v1/models/"),
    "query string": (*("POST", "/v1/models/toy:predict?x=1", 400, "toy:predict?x=1"),),
    "query string in a status": ("GET", "/v1/models/toy?x=1", 404, "model toy?x=1"),
    "slash at the end": ("POST", "/v1/models/toy:predict/", 400, "Malformed request"),
    "no number": (
        "POST",
        "/v1/models/toy/versions/x:predict",
        400,
        "Malformed request",
    ),
    "GET on predict": ("GET", PREDICT, 400, "Malformed request: GET"),
    "PUT": ("PUT", PREDICT, 400, "Malformed request: PUT"),
    "DELETE": ("DELETE", "/v1/models/toy", 400, "Malformed request: DELETE"),
    "outside v1": ("POST", "/v2/models/toy:predict", 404, "<HTML>"),
    "root": ("GET", "/", 404, "<H1>Not Found</H1>"),
    "classify without its method": (
        *("POST", "/v1/models/toy:classify", 400),
        "'examples' is expected",
    ),
}


@pytest.mark.parametrize(
    ("method", "path", "status", "says"), PATHS.values(), ids=PATHS
)
def test_paths(standin, method, path, status, says):
    body = b'{"instances": [1.0]}' if method in ("POST", "PUT") else None
    answer = standin.http(method, path, body)
    assert answer.status == status
    for part in says.split(".*"):
        assert part in answer.body.decode()
    kind = "text/html" if "HTML" in says or "H1" in says else "application/json"
    assert answer.headers["Content-Type"].startswith(kind)
    if status >= 400 and kind == "application/json":
        assert list(answer.json) == ["error"]


def _of(signature: str, **body) -> str:
    return json.dumps({"signature_name": signature} | body)


TEXT = base64.b64encode(b"\xff\x00").decode()
# Body, status, and the answer or a part of its error.
BODIES = {
    "row": ('{"instances": [1, 2.5]}', 200, {"predictions": [2.0, 5.0]}),
    "row of objects, one input": (
        '{"instances": [{"x": 1}]}',
        200,
        {"predictions": [2]},
    ),
    "row of lists": (
        '{"instances": [[1, 2], [3, 4]]}',
        200,
        {"predictions": [[2, 4], [6, 8]]},
    ),
    "empty rows": ('{"instances": [[], []]}', 200, {"predictions": [[], []]}),
    "column": ('{"inputs": [1, 2]}', 200, {"outputs": [2.0, 4.0]}),
    "column, named": ('{"inputs": {"x": [1]}}', 200, {"outputs": [2.0]}),
    "column, bare number": ('{"inputs": 3}', 200, {"outputs": 6.0}),
    "column, further keys": ('{"inputs": {"x": [1], "z": 0}}', 200, {"outputs": [2.0]}),
    "declared shape is not compared": (
        '{"inputs": [[1, 2]]}',
        200,
        {"outputs": [[2, 4]]},
    ),
    "further keys": ('{"instances": [1], "more": null}', 200, {"predictions": [2.0]}),
    "default signature by name": (
        _of("serving_default", instances=[1]),
        200,
        {"predictions": [2]},
    ),
    "first of equal keys": (
        '{"instances": [1], "instances": [7]}',
        200,
        {"predictions": [2]},
    ),
    "rows of several inputs": (
        _of("two", instances=[{"a": 1, "b": 2}, {"b": 3, "a": 0.5}]),
        200,
        {"predictions": [{"sum": 3.0, "next": 3}, {"sum": 3.5, "next": 4}]},
    ),
    "columns of several inputs": (
        _of("two", inputs={"a": [1, 2], "b": [3, 4]}),
        200,
        {"outputs": {"sum": [4.0, 6.0], "next": [4, 5]}},
    ),
    "base64 for a string": (
        _of("echo", instances=[{"b64": TEXT}]),
        200,
        rb'\["\xff\\u0000"\]',
    ),
    "output named _bytes": (
        _of("texts", instances=[{"b64": TEXT}]),
        200,
        rb'"some_bytes": \{"b64": "/wA="\}',
    ),
    "escapes": (
        _of("echo", instances=['"\\\n\u00e9']),
        200,
        {"predictions": ['"\\\n\u00e9']},
    ),
    "int output": (_of("two", inputs={"a": [1], "b": [1]}), 200, rb'"next": \[2\]'),
    "no second number form": ('{"instances": [1]}', 200, rb"\[2\.0\]"),
    "exponent": ('{"instances": [4194305e0]}', 200, rb"\[8\.38861e\+06\]"),
    "nine digits": (
        '{"instances": [0.05, 0.1234567]}',
        200,
        rb"\[0\.1, 0\.246913403\]",
    ),
    "not finite": (
        '{"instances": [NaN, Infinity, -Infinity, Inf, -Inf]}',
        200,
        rb"\[NaN, Infinity, -Infinity, Infinity, -Infinity\]",
    ),
    "no JSON": ("{", 400, "JSON Parse error"),
    "empty": ("", 400, "The document is empty"),
    "text after the end": ('{"instances": [1]} x', 400, "must not be followed"),
    "no object": ("[1]", 400, "Is not object"),
    "neither key": ("{}", 400, "Missing 'inputs' or 'instances' key"),
    "both keys": ('{"instances": [1], "inputs": [1]}', 400, "only one of"),
    "no list": ('{"instances": 1}', 400, "Excepting 'instances' to be an list/array"),
    "no rows": ('{"instances": []}', 400, "No values in 'instances' array"),
    "unknown signature": (
        _of("no", instances=[1]),
        400,
        'Serving signature name: "no" not found in signature def',
    ),
    "signature name no string": (
        '{"signature_name": 1}',
        400,
        "must be a string value",
    ),
    "signature without inputs": (
        _of("nothing", instances=[1]),
        400,
        "Failed to get input map for signature: nothing",
    ),
    "missing input": (_of("two", inputs={"a": [1]}), 400, "Missing named input: b"),
    "missing input in a row": (
        _of("two", instances=[{"a": 1}]),
        400,
        "keys must be equal to: a,b",
    ),
    "further input in a row": (
        _of("two", instances=[{"a": 1, "b": 1, "c": 1}]),
        400,
        "does not have named input: c",
    ),
    "plain list of base64 for several inputs": (
        _of("two", instances=[{"b64": "aGk="}]),
        400,
        "instances is a plain list",
    ),
    "plain list for several inputs": (
        _of("two", instances=[1]),
        400,
        "instances is a plain list",
    ),
    "plain column for several inputs": (
        _of("two", inputs=[1]),
        400,
        "inputs is a plain value/list",
    ),
    "list after an object": (
        '{"instances": [{"x": 1}, 1]}',
        400,
        "Expecting object but got list at item 1",
    ),
    "object after a value": (
        '{"instances": [1, {"x": 1}]}',
        400,
        "got object at item 1",
    ),
    "ragged": ('{"inputs": [[1, 2], [3]]}', 400, "unexpected size: 1 at level: 1"),
    "ragged rows": (
        '{"instances": [[1, 2], [3]]}',
        400,
        "Expecting tensor size: 2 but got: 1",
    ),
    "rows of other shape": (
        '{"instances": [[[1, 2]], [[1], [2]]]}',
        400,
        "Expecting shape [1,2] but got: [2,1]",
    ),
    "value beside a list": ('{"inputs": [[1], 2]}', 400, "found at incorrect level: 2"),
    "list beside a value": (
        '{"inputs": [1, [2]]}',
        400,
        "Encountered list at unexpected level: 1",
    ),
    "string for a float": (
        '{"instances": ["1"]}',
        400,
        "is not of expected type: float",
    ),
    "null": ('{"instances": [null]}', 400, "Type: Null is not of expected type: float"),
    "true for a float": (
        '{"instances": [true]}',
        400,
        "is not of expected type: float",
    ),
    "decimal for an int": (
        _of("slow", instances=[1.0]),
        400,
        "is not of expected type: int32",
    ),
    "too large for an int": (
        _of("slow", instances=[2**31]),
        400,
        "is not of expected type: int32",
    ),
    "too large for a float": (
        '{"instances": [1e39]}',
        400,
        "to float without loss of precision",
    ),
    "too long for a float": (
        '{"instances": [16777217]}',
        400,
        "to float without loss of precision",
    ),
    "too large for a double": (
        '{"instances": [1e400]}',
        400,
        "Number too big to be stored in double",
    ),
    "number for a string": (
        _of("echo", instances=[1]),
        400,
        "is not of expected type: string",
    ),
    "b64 with another key": (
        _of("echo", inputs={"text": [{"b64": "", "x": 1}]}),
        400,
        "not formatted correctly for base64 data",
    ),
    "bad base64": (_of("echo", inputs={"b64": "*"}), 400, "Unable to base64 decode"),
    "half input": (_of("from_half", inputs=[1]), 501, "to type: half"),
    "half input without values": (
        _of("from_half", instances=[[]]),
        200,
        {"predictions": [[]]},
    ),
    "half output": (
        _of("half", instances=[1]),
        400,
        "Failed to write JSON value for tensor type: half",
    ),
    "scalar output, rows": (
        _of("scalar", instances=[1]),
        400,
        "Tensor name: total has no shape information",
    ),
    "scalar output, columns": (
        _of("scalar", inputs=[1, 2]),
        200,
        {"outputs": {"total": 3.0, "y": [1.0, 2.0]}},
    ),
    "uneven output, rows": (
        _of("uneven", instances=[1]),
        400,
        "has inconsistent batch size",
    ),
    "assertion": (
        _of("checked", instances=[1, -1]),
        400,
        "assertion failed: [x must be above 0]",
    ),
    "shape a kernel refuses": (_of("product", inputs=[1, 2]), 400, "node"),
    "lone surrogate": (
        '{"signature_name": "echo", "instances": ["\\ud800"]}',
        400,
        "surrogate pair",
    ),
}


@pytest.mark.parametrize(("body", "status", "expected"), BODIES.values(), ids=BODIES)
def test_predict_bodies(standin, body, status, expected):
    answer = standin.post(body)
    assert answer.status == status, answer.body
    if isinstance(expected, str):
        assert expected in answer.error
    elif isinstance(expected, bytes):
        assert re.search(expected, answer.body), answer.body
    else:
        assert answer.json == expected


def test_all_types_by_columns(standin):
    columns = {
        "float32": [1.5, 2],
        "float64": [0.1, -1e300],
        "int32": [-(2**31), 2**31 - 1],
        "int64": [-(2**63), 2**63 - 1],
        "uint8": [255, 300],  # no range of its own: 300 wraps
        "int8": [-128, 127],
        "int16": [-32768, 32767],
        "uint32": [0, 2**32 - 1],
        "uint64": [0, 2**64 - 1],
        "bool": [True, False],
        "string": ["a", ""],
    }
    answer = standin.post({"signature_name": "types", "inputs": columns})
    expected = {f"{name}_out": values for name, values in columns.items()}
    expected["uint8_out"] = [255, 44]
    assert answer.json == {"outputs": expected}
    assert b'"float64_out": [0.1, -1e+300]' in answer.body


def test_bytes_that_are_no_text_pass_both_ways(standin):
    answer = standin.post(b'{"signature_name": "echo", "instances": ["\xfe\xff"]}')
    assert answer.body.endswith(b'"predictions": ["\xfe\xff"]\n}')


def test_gzip_body(standin):
    body = gzip.compress(b'{"instances": [1.0]}')
    assert standin.post(body, Content_Encoding="gzip").json == {"predictions": [2.0]}


@pytest.mark.parametrize("cut", [0, 9, -1])
def test_broken_gzip_reads_as_empty(standin, cut):
    body = gzip.compress(b'{"instances": [1.0]}')[:cut] if cut else b"not gzip"
    answer = standin.post(body, Content_Encoding="gzip")
    assert answer.status == 400
    assert answer.error == "JSON Parse error: The document is empty"


def test_content_type_does_not_count(standin):
    answer = standin.post('{"instances": [1]}', Content_Type="image/png")
    assert answer.status == 200


def test_status_is_spelt_as_protos_are(standin):
    assert standin.get("/v1/models/toy").json == {
        "model_version_status": [
            {
                "version": "3",
                "state": "AVAILABLE",
                "status": {"error_code": "OK", "error_message": ""},
            }
        ]
    }


def test_metadata_shows_every_signature_as_it_is_stored(standin):
    answer = standin.get("/v1/models/toy/metadata").json
    assert answer["model_spec"] == {"name": "toy", "signature_name": "", "version": "3"}
    definitions = answer["metadata"]["signature_def"]["signature_def"]
    assert {"serving_default", "two", "__saved_model_init_op"} <= set(definitions)
    two = definitions["two"]
    assert set(two) == {"inputs", "outputs", "method_name", "defaults"}
    assert two["method_name"] == "tensorflow/serving/predict"
    assert two["inputs"]["b"]["dtype"] == "DT_INT32"
    assert two["inputs"]["b"]["tensor_shape"]["dim"] == [{"size": "-1", "name": ""}]


def test_version_beyond_int64_is_answered_without_a_word(standin):
    path = f"/v1/models/toy/versions/{2**63}:predict"
    answer = standin.post('{"instances": [1]}', path)
    assert (answer.status, answer.body) == (400, b"")


def test_head_is_malformed(standin):
    assert standin.http("HEAD", "/v1/models/toy").status == 400


def test_options_needs_an_origin(standin):
    assert standin.http("OPTIONS", PREDICT, Origin="http://here").status == 200
    assert standin.http("OPTIONS", PREDICT).status == 400


def test_request_beyond_its_time_is_504(standin):
    answer = standin.post({"signature_name": "slow", "instances": [10**9]})
    assert answer.status == 504
    assert answer.error == "Timed out waiting for notification"


LIMITS = {
    "nesting": (b'{"instances": ' + b"[" * 30 + b"]" * 30 + b"}", 400, "deeper than"),
    "nesting in a string is none": (
        json.dumps({"signature_name": "echo", "instances": ["[" * 100]}).encode(),
        *(200, "[["),
    ),
    "a lot of nesting": (b'{"x": ' + b"[" * 99_999, 400, "deeper than the limit of 20"),
    "values": (b'{"instances": [' + b"1," * 50_000 + b"1]}", 400, "limit of 50000"),
    "body": (
        b'{"instances": ["' + b"x" * 200_000 + b'"]}',
        413,
        "limit of 200000 bytes",
    ),
    "digits": (b'{"instances": [' + b"9" * 5000 + b"]}", 400, "too big"),
}


@pytest.mark.parametrize(("body", "status", "says"), LIMITS.values(), ids=LIMITS)
def test_limits(standin, body, status, says):
    answer = standin.post(body)
    assert answer.status == status
    assert says in answer.body.decode()


def test_gzip_bomb_is_refused(standin):
    bomb = gzip.compress(b'{"instances": ["' + b"x" * 10**7 + b'"]}')
    answer = standin.post(bomb, Content_Encoding="gzip")
    assert answer.status == 413
    assert "limit of 300000 bytes when it is unpacked" in answer.error


def test_body_that_does_not_come_is_no_hang(standin):
    with socket.create_connection(("127.0.0.1", standin.rest_port)) as connection:
        connection.settimeout(30)
        connection.sendall(
            b"POST /v1/models/toy:predict HTTP/1.1\r\nHost: x\r\n"
            b'Content-Length: 100\r\n\r\n{"inst'
        )
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")
