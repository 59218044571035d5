"""Small SavedModels with a signature for every rule, and what asks them."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import grpc
import tensorflow as tf
from tensorflow_serving.apis import (
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
)

ROOT = Path(__file__).resolve().parents[3]
START_SECONDS = 60

DTYPES = (
    *(tf.float32, tf.float64, tf.int32, tf.int64, tf.uint8, tf.int8, tf.int16),
    *(tf.uint32, tf.uint64, tf.bool, tf.string),
)


def _signature(**inputs):
    specs = [tf.TensorSpec([None], dtype, name) for name, dtype in inputs.items()]
    return tf.function(input_signature=specs)


class Toy(tf.Module):
    """`factor` tells versions apart."""

    def __init__(self, factor: float):
        super().__init__()
        self.factor = tf.Variable(factor)

    @_signature(x=tf.float32)
    def times(self, x):
        return {"y": self.factor * x}

    @_signature(a=tf.float32, b=tf.int32)
    def two(self, a, b):
        return {"sum": a + tf.cast(b, tf.float32), "next": b + 1}

    @tf.function(input_signature=[tf.TensorSpec([None], d, d.name) for d in DTYPES])
    def types(self, *values):
        pairs = zip(DTYPES, values, strict=True)
        return {f"{d.name}_out": tf.identity(value) for d, value in pairs}

    @_signature(text=tf.string)
    def texts(self, text):
        return {"raw": tf.identity(text), "some_bytes": tf.identity(text)}

    @_signature(text=tf.string)
    def echo(self, text):
        return {"text": tf.identity(text)}

    @_signature(x=tf.float32)
    def checked(self, x):
        check = tf.debugging.Assert(tf.reduce_all(x > 0), ["x must be above 0", x])
        with tf.control_dependencies([check]):
            return {"y": tf.identity(x)}

    @_signature(x=tf.float32)
    def product(self, x):
        return {"y": tf.linalg.matvec(tf.ones([2, 3]), x)}

    @_signature(x=tf.float32)
    def scalar(self, x):
        return {"total": tf.reduce_sum(x), "y": x * 1}

    @_signature(x=tf.float32)
    def uneven(self, x):
        return {"double": tf.concat([x, x], 0), "y": x * 1}

    @_signature(x=tf.float32)
    def half(self, x):
        return {"y": tf.cast(x, tf.float16)}

    @_signature(x=tf.float16)
    def from_half(self, x):
        return {"y": tf.cast(x, tf.float32)}

    @tf.function(input_signature=[])
    def nothing(self):
        return {"y": tf.constant([1.0])}

    @_signature(steps=tf.int32)
    def slow(self, steps):
        """Milliseconds a step, with an end only if `steps` has one."""

        def step(i, total):
            noise = tf.random.stateless_normal([100_000], [1, i])
            return i + 1, total + tf.reduce_sum(noise)

        _, total = tf.while_loop(lambda i, _: i < steps[0], step, [0, 0.0])
        shape = tf.shape(steps)
        return {"y": tf.fill(shape, self.factor), "total": tf.fill(shape, total)}


class Compiled(tf.Module):
    @tf.function(
        input_signature=[tf.TensorSpec([None], tf.float32, "x")], jit_compile=True
    )
    def times(self, x):
        return {"y": 2 * x}


class Python(tf.Module):
    @_signature(x=tf.float32)
    def times(self, x):
        return {"y": tf.py_function(lambda x: 2 * x, [x], tf.float32)}


def save(base: Path, version: int, factor: float = 2.0) -> Path:
    """Writes `base/version` as an exporter should: under another name, then renamed."""
    module = Toy(factor)
    names = [
        *("two", "types", "texts", "echo", "checked", "product", "scalar", "uneven"),
        *("half", "from_half", "nothing", "slow"),
    ]
    signatures = {name: getattr(module, name) for name in names}
    return save_module(
        base, version, module, signatures | {"serving_default": module.times}
    )


def save_small(base: Path, version: int, factor: float) -> Path:
    module = Toy(factor)
    signatures = {"serving_default": module.times, "slow": module.slow}
    return save_module(base, version, module, signatures)


def save_module(base: Path, version: int, module: tf.Module, signatures) -> Path:
    base.mkdir(parents=True, exist_ok=True)
    temporary, path = base / f"writing-{version}", base / str(version)
    tf.saved_model.save(module, str(temporary), signatures=signatures)
    temporary.rename(path)
    return path


def save_examples(base: Path, version: int = 1) -> Path:
    """Classify and regress signatures over Examples with a float feature `x`."""
    v1 = tf.compat.v1
    path = base / str(version)
    with tf.Graph().as_default(), v1.Session() as session:
        inputs = v1.placeholder(tf.string, [None], "examples")
        x = v1.parse_example(inputs, {"x": v1.FixedLenFeature([1], tf.float32)})["x"]
        classes = tf.tile([["low", "high"]], [tf.shape(x)[0], 1])
        scores = tf.concat([1 - x, x], 1)
        info = v1.saved_model.build_tensor_info
        definition = v1.saved_model.build_signature_def
        builder = v1.saved_model.Builder(str(path))
        methods = "tensorflow/serving"
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            signature_def_map={
                "serving_default": definition(
                    {"inputs": info(inputs)},
                    {"classes": info(classes), "scores": info(scores)},
                    f"{methods}/classify",
                ),
                "value": definition(
                    {"inputs": info(inputs)},
                    {"outputs": info(2 * x)},
                    f"{methods}/regress",
                ),
            },
        )
        builder.save()
    return path


def model_server_config(base_paths: dict[str, Path]) -> str:
    models = (
        f"config {{ name: '{name}' base_path: '{path}' model_platform: 'tensorflow' }}"
        for name, path in base_paths.items()
    )
    return f"model_config_list {{ {' '.join(models)} }}"


@dataclasses.dataclass
class Answer:
    status: int
    body: bytes
    headers: dict

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self) -> str:
        return self.json["error"]


class Client:
    """Asks a server over both protocols, without much of a client's own rules."""

    def __init__(self, host: str, grpc_port: int, rest_port: int):
        self.url = f"http://{host}:{rest_port}"
        self.rest_port = rest_port
        self.target = f"{host}:{grpc_port}"
        self.channel = grpc.insecure_channel(
            self.target, options=[("grpc.max_receive_message_length", -1)]
        )
        self.prediction = prediction_service_pb2_grpc.PredictionServiceStub(
            self.channel
        )
        self.model = model_service_pb2_grpc.ModelServiceStub(self.channel)

    def http(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> Answer:
        request = urllib.request.Request(
            self.url + path,
            data=body,
            method=method,
            headers={k.replace("_", "-"): v for k, v in headers.items()},
        )
        try:
            with urllib.request.urlopen(request, timeout=START_SECONDS) as answer:
                return Answer(answer.status, answer.read(), dict(answer.headers))
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.read(), dict(error.headers))

    def get(self, path: str) -> Answer:
        return self.http("GET", path)

    def post(self, body, path: str = "/v1/models/toy:predict", **headers) -> Answer:
        if not isinstance(body, bytes):
            body = (body if isinstance(body, str) else json.dumps(body)).encode()
        return self.http("POST", path, body, **headers)

    def predict(
        self, signature: str = "", timeout: float = START_SECONDS, **inputs
    ) -> predict_pb2.PredictResponse:
        return self.prediction.Predict(request(signature, **inputs), timeout=timeout)

    def metric(self, name: str, **labels: str) -> float:
        """Sum of the samples with these labels."""
        total = 0.0
        for line in (
            self.get("/monitoring/prometheus/metrics").body.decode().split("\n")
        ):
            match = re.fullmatch(rf"{name}(?:{{(.*)}})? (\S+)", line)
            if match and all(
                f'{k}="{v}"' in (match[1] or "") for k, v in labels.items()
            ):
                total += float(match[2])
        return total


def request(
    signature: str = "", model: str = "toy", **inputs
) -> predict_pb2.PredictRequest:
    """For the latest version; values are tensors or TensorProtos."""
    spec = model_pb2.ModelSpec(name=model, signature_name=signature)
    result = predict_pb2.PredictRequest(model_spec=spec)
    for name, value in inputs.items():
        if isinstance(value, tf.Tensor):
            value = tf.make_tensor_proto(value)
        result.inputs[name].CopyFrom(value)
    return result


def floats(*values: float) -> tf.Tensor:
    return tf.constant(values, tf.float32)


def wait_for(condition, seconds: float = START_SECONDS) -> None:
    """Fails if it does not come true."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)


class Process:
    """`python -m export.serve` with free ports."""

    def __init__(self, *arguments: str):
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "export.serve"),
                *("--port", "0", "--rest-api-port", "0", *arguments),
            ],
            cwd=ROOT,
            env=os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.errors: list[str] = []
        reader = threading.Thread(target=self._read_errors, daemon=True)
        reader.start()

    def _read_errors(self):
        self.errors.extend(self.process.stderr)

    def ready(self) -> Client:
        line = self.process.stdout.readline()
        match = re.fullmatch(r"Ready: gRPC (\S+):(\d+), REST http://\S+:(\d+)\n", line)
        assert match, (line, self.errors)
        return Client(match[1], int(match[2]), int(match[3]))

    def end(self) -> int:
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(START_SECONDS)
