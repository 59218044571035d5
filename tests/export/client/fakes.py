"""A voice made of sines behind TensorFlow Serving's two interfaces.

Written with TensorFlow's own tensors and tensorflow-serving-api's messages: what the
client has of its own is held against them. They behave as
the real server does.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import re
import ssl
import threading
import time
import wave
from concurrent import futures
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import any_pb2
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    predict_pb2,
    prediction_service_pb2_grpc,
)

RATE_HZ = 8000
SAMPLES_PER_FRAME = 80
MARGIN_PER_STEP = 3
DEFAULT_STEPS = 5
CHANNELS = 2

_TEXT = {"text": "DT_STRING"}
_AUDIO = {"audio": "DT_FLOAT", "num_samples": "DT_INT32"}
_FACTS = {
    "sample_rate_hz": RATE_HZ,
    "samples_per_frame": SAMPLES_PER_FRAME,
    "margin_frames_per_step": MARGIN_PER_STEP,
    "default_num_steps": DEFAULT_STEPS,
}
SIGNATURES = {
    "serving_default": (_TEXT, _AUDIO),
    "wav": (_TEXT, {"wav_bytes": "DT_STRING"}),
    "synthesize": (
        _TEXT
        | {"seed": "DT_INT64", "num_steps": "DT_INT32", "length_scale": "DT_FLOAT"},
        _AUDIO | {"num_phonemes": "DT_INT32"},
    ),
    "encode": (
        _TEXT | {"length_scale": "DT_FLOAT"},
        {"features": "DT_FLOAT", "num_frames": "DT_INT32"}
        | dict.fromkeys(_FACTS, "DT_INT32"),
    ),
    "decode_window": (
        {"features": "DT_FLOAT", "seed": "DT_INT64"}
        | dict.fromkeys(
            (
                "features_first_frame",
                "num_frames",
                "first_frame",
                "window_frames",
                "num_steps",
            ),
            "DT_INT32",
        ),
        _AUDIO,
    ),
}


class Refused(Exception):
    def __init__(self, code: str, message: str):
        super().__init__(message)
        self.code = code


@dataclass
class FakeModel:
    """Computes, keeps a log, and misbehaves as it is told to."""

    name: str = "default"
    version: int = 3
    labels: dict[str, int] = field(default_factory=dict)
    signatures: dict = field(default_factory=lambda: dict(SIGNATURES))
    rate_hz: int = RATE_HZ
    speakers: tuple[str, ...] = ()
    calls: list = field(default_factory=list)  # (signature, inputs), as they came
    refusals: list = field(default_factory=list)  # raised one by one, first of all
    bad_word: str = ""  # a text with it is refused
    seconds: float = 0.0  # that a synthesis takes
    slow_word: str = ""  # takes longer
    running: int = 0
    most_running: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self):
        if self.speakers:
            for name in ("synthesize", "encode"):
                inputs, outputs = self.signatures[name]
                self.signatures[name] = (inputs | {"speaker": "DT_STRING"}, outputs)

    def find(self, name: str, version: int | None, label: str | None) -> None:
        if label:
            if label not in self.labels:
                raise Refused(
                    "INVALID_ARGUMENT",
                    f"Unrecognized servable version label: {label}",
                )
            version = self.labels[label]
        if name != self.name or version not in (None, self.version):
            which = (
                f"Latest({name})" if version is None else f"Specific({name}, {version})"
            )
            raise Refused("NOT_FOUND", f"Servable not found for request: {which}")

    def run(self, signature: str, inputs: dict[str, np.ndarray]) -> dict:
        with self.lock:
            self.calls.append((signature, inputs))
            if self.refusals:
                raise self.refusals.pop(0)
            self.running += 1
            self.most_running = max(self.most_running, self.running)
        try:
            return self._run(signature, inputs)
        finally:
            with self.lock:
                self.running -= 1

    def _run(self, signature: str, inputs: dict[str, np.ndarray]) -> dict:
        expected = self.signatures[signature][0]
        if set(inputs) != set(expected):
            raise Refused(
                "INVALID_ARGUMENT",
                f"input size does not match signature: {sorted(inputs)}",
            )
        for name, value in inputs.items():
            if tf.as_dtype(value.dtype).as_datatype_enum != _number(expected[name]):
                raise Refused("INVALID_ARGUMENT", f"{name} is {value.dtype}")
        if "text" in inputs:
            text = inputs["text"][0].decode()
            if self.bad_word and self.bad_word in text:
                raise Refused(
                    "INVALID_ARGUMENT",
                    "assertion failed: [this word cannot be spoken]\n"
                    "\t [[{{node frontend/Assert/Assert}}]]",
                )
            if len(text.encode()) > 8192:
                raise Refused("INVALID_ARGUMENT", "text longer than 8192 bytes")
            slow = self.slow_word and self.slow_word in text
            time.sleep(self.seconds * (4 if slow else 1))
            scale = inputs.get("length_scale", np.ones(1, np.float32))[0]
            features = text_features(text, float(scale))
        if signature == "encode":
            if self.speakers and inputs["speaker"][0].decode() not in self.speakers:
                known = ", ".join(self.speakers)
                raise Refused(
                    "INVALID_ARGUMENT",
                    f"assertion failed: [speaker must be one of: {known}.] [[{{{{",
                )
            return {
                "features": features[None],
                "num_frames": np.array([len(features)], np.int32),
                **{k: np.array([v], np.int32) for k, v in _FACTS.items()},
                "sample_rate_hz": np.array([self.rate_hz], np.int32),
            }
        if signature == "decode_window":
            audio = self._decode(**inputs)
        else:
            seed = inputs.get("seed", np.zeros(1, np.int64))[0]
            steps = inputs.get("num_steps", np.full(1, DEFAULT_STEPS, np.int32))[0]
            audio = sines(features, 0, 0, len(features), len(features), seed, steps)
        if signature == "wav":
            return {"wav_bytes": np.array([wav_bytes(audio, self.rate_hz)], object)}
        outputs = {
            # As in a batch with a longer text: outputs are not trimmed.
            "audio": np.pad(audio, (0, 7), constant_values=9.0)[None],
            "num_samples": np.array([len(audio)], np.int32),
        }
        if signature == "synthesize":
            outputs["num_phonemes"] = np.array([1], np.int32)
        return outputs

    @staticmethod
    def _decode(features, **numbers) -> np.ndarray:
        n = {name: int(value[0]) for name, value in numbers.items()}
        start, end = n["first_frame"], n["first_frame"] + n["window_frames"]
        margin = MARGIN_PER_STEP * n["num_steps"]
        first = n["features_first_frame"]
        if start < 0 or end > n["num_frames"]:
            raise Refused("INVALID_ARGUMENT", "window outside of the utterance")
        needed = max(0, start - margin), min(n["num_frames"], end + margin)
        if first > needed[0] or first + features.shape[1] < needed[1]:
            raise Refused("INVALID_ARGUMENT", f"features must cover {needed}")
        return sines(
            features[0], first, start, end, n["num_frames"], n["seed"], n["num_steps"]
        )


def _number(kind: str) -> int:
    return types_pb2.DataType.Value(kind)


def text_features(text: str, length_scale: float = 1.0) -> np.ndarray:
    """5 frames a letter, each with its letter's code: float32 `(frames, CHANNELS)`."""
    codes = np.frombuffer(text.encode(), np.uint8).astype(np.float32)
    return np.stack([codes / 256] * CHANNELS, -1).repeat(
        round(5 * length_scale), axis=0
    )


def sines(features, first, start, end, total, seed, steps) -> np.ndarray:
    """Sound of frames start..end: each as loud as the mean over its margin, so that
    too few features, or others, are another sound."""
    margin = MARGIN_PER_STEP * steps
    t = np.arange(start, end)
    low, high = np.maximum(0, t - margin), np.minimum(total, t + margin + 1)
    sums = np.concatenate([[0], np.cumsum(features[:, 0], dtype=np.float64)])
    levels = (sums[high - first] - sums[low - first]) / (high - low)
    n = np.arange(start * SAMPLES_PER_FRAME, end * SAMPLES_PER_FRAME)
    phase = (int(seed) % 1009) / 1009
    tone = np.sin(2 * np.pi * (n * (200 + steps) / RATE_HZ + phase))
    return (np.repeat(levels, SAMPLES_PER_FRAME) * tone).astype(np.float32)


def spoken(text: str, seed: int = 0, steps: int = DEFAULT_STEPS, length_scale=1.0):
    """What a `FakeModel` gives for a whole text."""
    features = text_features(text, length_scale)
    return sines(features, 0, 0, len(features), len(features), seed, steps)


def wav_bytes(audio: np.ndarray, rate_hz: int) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate_hz)
        out.writeframes(np.rint(audio * 32768).astype("<i2").tobytes())
    return file.getvalue()


# -- gRPC ----------------------------------------------------------------------------


def _find(model: FakeModel, spec) -> None:
    version = spec.version.value if spec.HasField("version") else None
    model.find(spec.name, version, spec.version_label)


def _answering(method):
    def answer(self, request, context):
        try:
            return method(self, request)
        except Refused as refusal:
            context.abort(grpc.StatusCode[refusal.code], str(refusal))

    return answer


class _Prediction(prediction_service_pb2_grpc.PredictionServiceServicer):
    def __init__(self, model: FakeModel):
        self.model = model

    @_answering
    def Predict(self, request):
        _find(self.model, request.model_spec)
        outputs = self.model.run(
            request.model_spec.signature_name or "serving_default",
            {name: tf.make_ndarray(t) for name, t in request.inputs.items()},
        )
        answer = predict_pb2.PredictResponse()
        for name in outputs.keys() & set(request.output_filter or outputs):
            array = outputs[name]
            if array.dtype == object:
                tensor = tf.make_tensor_proto(array)
            else:  # in the typed fields, as TensorFlow Serving does
                kind = tf.as_dtype(array.dtype).as_datatype_enum
                tensor = tensor_pb2.TensorProto(dtype=kind)
                tensor.tensor_shape.CopyFrom(tf.TensorShape(array.shape).as_proto())
                fields = {"f": tensor.float_val, "i": tensor.int_val}
                fields[array.dtype.kind].extend(array.ravel().tolist())
            answer.outputs[name].CopyFrom(tensor)
        return answer

    @_answering
    def GetModelMetadata(self, request):
        _find(self.model, request.model_spec)
        assert list(request.metadata_field) == ["signature_def"]
        found = get_model_metadata_pb2.SignatureDefMap()
        for name, (inputs, outputs) in self.model.signatures.items():
            signature = found.signature_def[name]
            for ours, theirs in (
                (inputs, signature.inputs),
                (outputs, signature.outputs),
            ):
                for key, kind in ours.items():
                    theirs[key].dtype = _number(kind)
        packed = any_pb2.Any()
        packed.Pack(found)
        answer = get_model_metadata_pb2.GetModelMetadataResponse()
        answer.model_spec.name = self.model.name
        answer.model_spec.version.value = self.model.version
        answer.metadata["signature_def"].CopyFrom(packed)
        return answer


class _Status:
    # Without tensorflow_serving.apis.model_service_pb2, which protobuf 4 cannot load.
    def __init__(self, model: FakeModel):
        self.model = model

    @_answering
    def GetModelStatus(self, request):
        _check_known(self.model, request.model_spec.name)
        answer = get_model_status_pb2.GetModelStatusResponse()
        for number, state in ((self.model.version, 30), (self.model.version - 1, 50)):
            answer.model_version_status.add(version=number, state=state)
        return answer


def _check_known(model: FakeModel, name: str) -> None:
    if name != model.name:
        raise Refused("NOT_FOUND", f"Could not find any versions of model {name}")


@contextlib.contextmanager
def grpc_server(model: FakeModel, port: int = 0, credentials=None):
    """Yields "localhost:port"."""
    workers = futures.ThreadPoolExecutor(16)
    server = grpc.server(workers, options=[("grpc.max_receive_message_length", -1)])
    prediction_service_pb2_grpc.add_PredictionServiceServicer_to_server(
        _Prediction(model), server
    )
    status = grpc.unary_unary_rpc_method_handler(
        _Status(model).GetModelStatus,
        get_model_status_pb2.GetModelStatusRequest.FromString,
        get_model_status_pb2.GetModelStatusResponse.SerializeToString,
    )
    handler = grpc.method_handlers_generic_handler(
        "tensorflow.serving.ModelService", {"GetModelStatus": status}
    )
    server.add_generic_rpc_handlers((handler,))
    if credentials:
        port = server.add_secure_port(f"localhost:{port}", credentials)
    else:
        port = server.add_insecure_port(f"localhost:{port}")
    server.start()
    try:
        yield f"localhost:{port}"
    finally:
        server.stop(0)


# -- REST ----------------------------------------------------------------------------

_STATUSES = {
    "INVALID_ARGUMENT": 400,
    "NOT_FOUND": 404,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
_ADDRESS = re.compile(
    r"/v1/models/([^/:]+)(?:/versions/(\d+)|/labels/([^/:]+))?(/metadata|:predict)?"
)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        self._answer(b"")

    def do_POST(self):
        self._answer(self.rfile.read(int(self.headers["Content-Length"])))

    def _answer(self, body: bytes):
        try:
            status, answer = 200, self._result(body)
        except Refused as refusal:
            status, answer = _STATUSES[refusal.code], {"error": str(refusal)}
        content = json.dumps(answer).encode()
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def _result(self, body: bytes):
        model: FakeModel = self.server.model
        match = _ADDRESS.fullmatch(self.path)
        if not match or (self.command == "POST") != (match.group(4) == ":predict"):
            raise Refused(
                "INVALID_ARGUMENT", f"Malformed request: {self.command} {self.path}"
            )
        name, version, label, what = match.groups()
        if what is None:
            _check_known(model, name)
            states = ((model.version, "AVAILABLE"), (model.version - 1, "END"))
            ok = {"error_code": "OK", "error_message": ""}
            return {
                "model_version_status": [
                    {"version": str(v), "state": s, "status": ok} for v, s in states
                ]
            }
        model.find(name, version and int(version), label)
        if what == "/metadata":
            return self._metadata(model)
        return self._predict(model, json.loads(body))

    @staticmethod
    def _metadata(model: FakeModel):
        def tensors(types):
            return {
                k: {"dtype": t, "tensor_shape": {"dim": [{"size": "-1", "name": ""}]}}
                for k, t in types.items()
            }

        found = {
            name: {"inputs": tensors(i), "outputs": tensors(o), "method_name": ""}
            for name, (i, o) in model.signatures.items()
        }
        spec = {"name": model.name, "signature_name": "", "version": str(model.version)}
        return {
            "model_spec": spec,
            "metadata": {"signature_def": {"signature_def": found}},
        }

    @staticmethod
    def _predict(model: FakeModel, request: dict):
        signature = request.get("signature_name", "serving_default")
        types = model.signatures[signature][0]
        inputs = request["inputs"]
        if not isinstance(inputs, dict):
            if len(types) != 1:
                raise Refused("INVALID_ARGUMENT", "inputs must be an object")
            inputs = dict.fromkeys(types, inputs)
        outputs = model.run(
            signature, {name: _from_json(inputs[name], types[name]) for name in types}
        )
        values = {name: _to_json(name, array) for name, array in outputs.items()}
        return {"outputs": values if len(values) > 1 else next(iter(values.values()))}


def _from_json(value, kind: str) -> np.ndarray:
    if kind == "DT_STRING":
        return np.array([text.encode() for text in value], object)
    array = np.array(value)
    if kind.startswith("DT_INT") and array.dtype.kind != "i":
        raise Refused("INVALID_ARGUMENT", f"not of type {kind}")
    return array.astype(kind[3:].lower().replace("float", "float32"))


def _to_json(name: str, array: np.ndarray):
    if array.dtype != object:
        return array.tolist()
    assert name.endswith("_bytes")
    return [{"b64": base64.b64encode(item).decode()} for item in array]


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64


@contextlib.contextmanager
def rest_server(model: FakeModel, tls: ssl.SSLContext | None = None):
    """Yields "localhost:port"."""
    with _Server(("localhost", 0), _Handler) as server:
        server.model = model
        if tls:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"localhost:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
