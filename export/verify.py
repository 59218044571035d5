"""Command line: checks an exported voice by itself, without the code that made it.

python -m export.verify models/slt/1

Layout, signatures and operations against what a stock TensorFlow Serving accepts; the
golden requests that the exporter left; the same rows in other batches, padded as a
batching server pads; windows joined; odd texts; limits. wg2 is not imported.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

TOLERANCE = 1e-4
SIGNATURES = {
    "serving_default": ({"text"}, {"audio", "num_samples"}),
    "wav": ({"text"}, {"wav_bytes"}),
    "synthesize": (
        {"text", "seed", "num_steps", "length_scale"},
        {"audio", "num_samples", "phoneme_ids", "durations", "num_phonemes"},
    ),
    "synthesize_phonemes": (
        {"phoneme_ids", "num_phonemes", "seed", "num_steps", "length_scale"},
        {"audio", "num_samples", "phoneme_ids", "durations", "num_phonemes"},
    ),
    "encode": (
        {"text", "length_scale"},
        {
            "features",
            "num_frames",
            "phoneme_ids",
            "durations",
            "num_phonemes",
            "sample_rate_hz",
            "samples_per_frame",
            "margin_frames_per_step",
            "default_num_steps",
        },
    ),
    "decode_window": (
        {
            "features",
            "features_first_frame",
            "num_frames",
            "first_frame",
            "window_frames",
            "seed",
            "num_steps",
        },
        {"audio", "num_samples"},
    ),
}
_SPEAKER_SIGNATURES = ("synthesize", "synthesize_phonemes", "encode")
# The types that a model server reads from and writes to JSON.
_JSON_TYPES = "float32 float64 bool int8 uint8 int16 int32 uint32 int64 uint64 string"
_PYTHON_OPS = ("PyFunc", "PyFuncStateless", "EagerPyFunc")
_OUTSIDE_OPS = ("ReadFile", "WriteFile", "MatchingFiles", "Print", "PrintV2")
_RANDOM_WORDS = ("Random", "Rng", "Normal", "Uniform", "Multinomial", "Poisson")
_ODD_TEXTS = ("", " ", "?!...", "😀", b"\xff\xfe\xc3", "日本語", "\x00", "{HH", "a\nb")

Findings = Iterator[str]
Arrays = dict[str, np.ndarray]


def audit_layout(directory: Path) -> Findings:
    """What is missing in the folder."""
    for name in (
        "saved_model.pb",
        "variables/variables.index",
        "assets/serving.json",
        "assets/config.json",
        "assets/card.json",
        "assets.extra/tf_serving_warmup_requests",
        "assets.extra/golden_requests",
    ):
        if not (directory / name).is_file():
            yield f"{name} is missing"


def audit_signatures(meta_graph, speakers: bool) -> Findings:
    """Names, types and shapes, for the server's JSON and batching."""
    from tensorflow import as_dtype

    if list(meta_graph.meta_info_def.tags) != ["serve"]:
        yield f"tags are {list(meta_graph.meta_info_def.tags)}, not serve alone"
    found = meta_graph.signature_def
    for name, (inputs, outputs) in SIGNATURES.items():
        if name not in found:
            yield f"signature {name} is missing"
            continue
        signature = found[name]
        if speakers and name in _SPEAKER_SIGNATURES:
            inputs = inputs | {"speaker"}
        if signature.method_name != "tensorflow/serving/predict":
            yield f"{name}: method {signature.method_name!r} is not predict"
        if set(signature.inputs) != inputs:
            yield f"{name}: inputs {sorted(signature.inputs)}, not {sorted(inputs)}"
        if set(signature.outputs) != outputs:
            yield f"{name}: outputs {sorted(signature.outputs)}, not {sorted(outputs)}"
        for tensor, info in (*signature.inputs.items(), *signature.outputs.items()):
            shape = [dim.size for dim in info.tensor_shape.dim]
            if info.tensor_shape.unknown_rank or not shape or shape[0] != -1:
                yield f"{name}: {tensor} has shape {shape}, its first must be the batch"
            if as_dtype(info.dtype).name not in _JSON_TYPES.split():
                yield f"{name}: {tensor} is {as_dtype(info.dtype).name}, no JSON type"


def audit_operations(meta_graph) -> Findings:
    """Operations and attributes that a stock server refuses or that break batching."""
    from tensorflow.python.framework import op_def_registry

    graph = meta_graph.graph_def
    functions = {function.signature.name for function in graph.library.function}
    bodies = {"the graph": graph.node}
    for function in graph.library.function:
        bodies[function.signature.name] = function.node_def
        if function.attr["_XlaMustCompile"].b:
            yield f"{function.signature.name} has jit_compile, which servers refuse"
    for where, nodes in bodies.items():
        for node in nodes:
            definition = op_def_registry.get(node.op)
            if node.attr["_XlaMustCompile"].b:
                yield f"{where}: {node.name} has jit_compile, which servers refuse"
            if node.op in functions:
                continue
            if definition is None:
                yield f"{where}: {node.op} is no operation of core TensorFlow"
            elif node.op in _PYTHON_OPS:
                yield f"{where}: {node.op} needs the process that wrote it"
            elif node.op in _OUTSIDE_OPS:
                yield f"{where}: {node.op} reaches outside of the graph"
            elif definition.is_stateful and any(w in node.op for w in _RANDOM_WORDS):
                yield f"{where}: {node.op} depends on the neighbours in a batch"


class Requests:
    """A loaded export, asked by signature.

    Args:
        directory: A version's folder.
    """

    def __init__(self, directory: Path):
        import tensorflow as tf

        self._tf = tf
        self._loaded = tf.saved_model.load(str(directory))

    def __call__(self, signature: str, inputs: Arrays) -> Arrays:
        """The answer.

        Raises:
            tensorflow.errors.OpError: The graph refused or failed.
        """
        function = self._loaded.signatures[signature]
        specs = function.structured_input_signature[1]
        tensors = {
            name: self._tf.constant(value, specs[name].dtype)
            for name, value in inputs.items()
        }
        return {name: value.numpy() for name, value in function(**tensors).items()}

    def refusal(self, signature: str, inputs: Arrays) -> str:
        """The message of INVALID_ARGUMENT; empty if the request is answered."""
        try:
            self(signature, inputs)
        except self._tf.errors.InvalidArgumentError as error:
            return error.message
        return ""


def compare(what: str, actual: Arrays, expected: Arrays) -> Findings:
    """How an answer differs from what is expected of it."""
    for name, wanted in expected.items():
        got = actual[name]
        if got.shape != wanted.shape:
            yield f"{what}: {name} has shape {got.shape}, not {wanted.shape}"
        elif wanted.dtype == object:
            if name.endswith("wav_bytes"):
                yield from _compare_files(f"{what}: {name}", got, wanted)
            elif not np.array_equal(got, wanted):
                yield f"{what}: {name} differs"
        else:
            apart = np.abs(got.astype(np.float64) - wanted).max(initial=0.0)
            most = TOLERANCE if wanted.dtype.kind == "f" else 0.0
            if not apart <= most:
                yield f"{what}: {name} is {apart:g} away, {most:g} is allowed"


def _compare_files(what: str, got: np.ndarray, wanted: np.ndarray) -> Findings:
    for one, other in zip(got, wanted, strict=True):
        header = 44
        if one[:header] != other[:header] or len(one) != len(other):
            yield f"{what} has another header or length"
            continue
        samples = [np.frombuffer(x[header:], "<i2").astype(int) for x in (one, other)]
        apart = np.abs(samples[0] - samples[1]).max(initial=0)
        if apart > 1 + TOLERANCE * 32768:
            yield f"{what} is {apart} away in 16-bit steps"


def replay(ask: Requests, directory: Path) -> Findings:
    """Golden requests as they are, and the warm-up."""
    from export import request_logs

    extra = directory / request_logs.EXTRA_FOLDER
    for i, (signature, inputs, outputs) in enumerate(
        request_logs.read(extra / request_logs.GOLDEN_FILE)
    ):
        what = f"golden request {i} ({signature})"
        yield from compare(what, ask(signature, inputs), outputs)
    warmed = 0
    for signature, inputs, _ in request_logs.read(extra / request_logs.WARMUP_FILE):
        ask(signature, inputs)
        warmed += 1
    if warmed != len(SIGNATURES):
        yield f"{warmed} warm-up requests, not one for each signature"


def check_batches(ask: Requests, directory: Path) -> Findings:
    """Each row alone, in turned order, and padded with the tensor's first element."""
    from export import request_logs

    path = directory / request_logs.EXTRA_FOLDER / request_logs.GOLDEN_FILE
    logs = {log[0]: log for log in request_logs.read(path)}
    _, inputs, outputs = logs["synthesize_phonemes"]
    for row in range(len(inputs["seed"])):
        alone = {name: value[row : row + 1] for name, value in inputs.items()}
        count = int(inputs["num_phonemes"][row])
        alone["phoneme_ids"] = alone["phoneme_ids"][:, :count]
        answer = ask("synthesize_phonemes", alone)
        yield from compare(f"row {row} alone", _row(answer, 0), _row(outputs, row))
    turned = {name: value[::-1] for name, value in inputs.items()}
    ids = turned["phoneme_ids"]
    # As a model server's batching pads.
    turned["phoneme_ids"] = np.pad(ids, ((0, 0), (0, 7)), constant_values=ids.flat[0])
    answer = ask("synthesize_phonemes", turned)
    for row in range(len(ids)):
        yield from compare(
            f"row {row} of a turned, padded batch",
            _row(answer, row),
            _row(outputs, len(ids) - 1 - row),
        )


def check_windows(ask: Requests, directory: Path) -> Findings:
    """`encode` and windows of `decode_window` against `synthesize`."""
    from export import request_logs

    path = directory / request_logs.EXTRA_FOLDER / request_logs.GOLDEN_FILE
    logs = {log[0]: log for log in request_logs.read(path)}
    _, inputs, outputs = logs["synthesize"]
    noise = {name: inputs[name] for name in ("seed", "num_steps")}
    encoded = ask(
        "encode", {k: v for k, v in inputs.items() if k not in ("seed", "num_steps")}
    )
    names = ("phoneme_ids", "durations", "num_phonemes")
    yield from compare("encode", encoded, {name: outputs[name] for name in names})
    num_frames = encoded["num_frames"]
    context = encoded["margin_frames_per_step"] * inputs["num_steps"]
    window = -(-int(num_frames.max()) // 3)
    joined: list[list[np.ndarray]] = [[] for _ in num_frames]
    for first in range(0, int(num_frames.max()), window):
        rows = np.flatnonzero(num_frames > first)
        starts = np.maximum(first - context[rows], 0)
        ends = np.minimum(first + window + context[rows], num_frames[rows])
        # Each row sends what its window depends on, and a server's batching pads it.
        pieces = [
            encoded["features"][row, start:end]
            for row, start, end in zip(rows, starts, ends, strict=True)
        ]
        features = np.full(
            (len(rows), max(map(len, pieces)), pieces[0].shape[1]), pieces[0][0, 0]
        )
        for i, piece in enumerate(pieces):
            features[i, : len(piece)] = piece
        request = {
            "features": features,
            "features_first_frame": starts.astype(np.int32),
            "num_frames": num_frames[rows],
            "first_frame": np.full(len(rows), first, np.int32),
            "window_frames": np.full(len(rows), window, np.int32),
            **{name: value[rows] for name, value in noise.items()},
        }
        answer = ask("decode_window", request)
        for i, row in enumerate(rows):
            joined[row].append(answer["audio"][i, : answer["num_samples"][i]])
    for row, pieces in enumerate(joined):
        yield from compare(
            f"windows of row {row}",
            {"audio": np.concatenate(pieces)},
            {"audio": outputs["audio"][row, : outputs["num_samples"][row]]},
        )


def check_limits(ask: Requests, directory: Path) -> Findings:
    """Odd texts are answered; what passes a limit is refused by its name."""
    facts = json.loads((directory / "assets/serving.json").read_text("utf-8"))
    limits, speakers = facts["limits"], facts["speakers"]

    def request(text, steps=1, scale=1.0, rows=1):
        inputs = {
            "text": np.array([text] * rows, object),
            "seed": np.zeros(rows, np.int64),
            "num_steps": np.full(rows, steps, np.int32),
            "length_scale": np.full(rows, scale, np.float32),
        }
        if speakers:
            inputs["speaker"] = np.array(speakers[:1] * rows, object)
        return inputs

    for text in _ODD_TEXTS:
        answer = ask("synthesize", request(text))
        if not np.isfinite(answer["audio"]).all() or answer["num_samples"][0] < 1:
            yield f"the text {text!r} gives no finite audio"
    refused = {
        "max_text_bytes": request("a" * (limits["max_text_bytes"] + 1)),
        "max_phonemes": request("1" * limits["max_text_bytes"]),
        "max_total_phonemes": request(
            "hello " * (limits["max_total_phonemes"] // 4 // limits["max_rows"]),
            rows=limits["max_rows"],
        ),
        "num_steps": request("a", steps=limits["max_steps"] + 1),
        "length_scale": request("a", scale=limits["max_length_scale"] + 1),
        "max_rows": request("a", rows=limits["max_rows"] + 1),
        "max_seconds": request("[10s]" * int(limits["max_seconds"] / 10 + 1)),
        "max_total_seconds": request(
            "[10s]" * int(limits["max_seconds"] / 10 - 1),
            rows=int(limits["max_total_seconds"] / limits["max_seconds"] + 2),
        ),
    }
    for name, inputs in refused.items():
        message = ask.refusal("synthesize", inputs)
        if name not in message:
            yield f"{name}: what passes it is answered by {message[:200]!r}"


def verify(directory: Path, report: Callable[[str], None]) -> list[str]:
    """All findings; `report` gets a line for every group of checks.

    Raises:
        ValueError: Not a SavedModel.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    path = directory / "saved_model.pb"
    if not path.is_file():
        raise ValueError(
            f"{directory} is no SavedModel: it lacks {path.name}. Expected a version's "
            "folder, such as models/slt/1"
        )
    missing = list(audit_layout(directory))
    if missing:
        return missing
    saved_model = saved_model_pb2.SavedModel.FromString(path.read_bytes())
    facts = json.loads((directory / "assets/serving.json").read_text("utf-8"))
    (meta_graph,) = saved_model.meta_graphs
    groups: dict[str, Callable[[], Findings]] = {
        "signatures": lambda: audit_signatures(meta_graph, bool(facts["speakers"])),
        "operations": lambda: audit_operations(meta_graph),
    }
    findings = _collect(groups, report)
    if findings:  # what is not right on paper is not run
        return findings
    ask = Requests(directory)
    return _collect(
        {
            "golden and warm-up requests": lambda: replay(ask, directory),
            "batches and padding": lambda: check_batches(ask, directory),
            "windows": lambda: check_windows(ask, directory),
            "odd texts and limits": lambda: check_limits(ask, directory),
        },
        report,
    )


def _collect(
    groups: dict[str, Callable[[], Findings]], report: Callable[[str], None]
) -> list[str]:
    from google.protobuf.message import DecodeError
    from tensorflow.errors import OpError

    found: list[str] = []
    for name, check in groups.items():
        try:
            new = list(dict.fromkeys(check()))
        except (OpError, DecodeError) as error:
            new = [f"{name} ended in {type(error).__name__}: {error}"]
        report(f"{name}: {'; '.join(new) or 'as they should be'}")
        found += new
    return found


def _row(answer: Arrays, row: int) -> Arrays:
    samples, phonemes = answer["num_samples"][row], answer["num_phonemes"][row]
    ends = {"audio": samples, "phoneme_ids": phonemes, "durations": phonemes}
    return {
        name: value[row][: ends[name]] if name in ends else value[row : row + 1]
        for name, value in answer.items()
    }


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m export.verify",
        description="Checks an exported voice for TensorFlow Serving.",
    )
    parser.add_argument("directory", type=Path, help="a version, such as models/slt/1")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    args = build_parser().parse_args(argv)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's start-up notes
    try:
        findings = verify(args.directory, lambda line: print(line, flush=True))
    except (ValueError, OSError) as error:
        print(f"verify: {error}", file=sys.stderr)
        return 2
    if findings:
        print(f"verify: {len(findings)} findings, the first: {findings[0]}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
