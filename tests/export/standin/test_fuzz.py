"""Generated requests: every one is answered, and none is the server's fault."""

from __future__ import annotations

from benchmarks import serving_fuzz
from benchmarks.fuzz_requests import Fuzzer, GrpcRequest

# The others are made to take for ever, or to fail.
SIGNATURES = (
    "serving_default",
    "two",
    "types",
    "texts",
    "echo",
    "product",
    "from_half",
)
NUM_REQUESTS = 600


def test_generated_requests(standin):
    rest = f"127.0.0.1:{standin.rest_port}"
    found = serving_fuzz.signatures(rest, "toy")
    assert found["two"] == {"a": ("DT_FLOAT", 1), "b": ("DT_INT32", 1)}
    fuzzer = Fuzzer("toy", {name: found[name] for name in SIGNATURES}, seed=7)
    targets = [serving_fuzz.Target(rest, standin.target, 30) for _ in range(3)]
    outcome = serving_fuzz.run(fuzzer, targets, range(NUM_REQUESTS))
    assert outcome.failures == []
    assert sum(outcome.counts.values()) == NUM_REQUESTS
    assert len({kind for kind, _ in outcome.counts}) > 9
    statuses = {status for _, status in outcome.counts}
    assert {"200", "400", "404", "OK", "INVALID_ARGUMENT"} <= statuses
    assert serving_fuzz.resident_bytes(rest) > 2**20
    assert standin.post('{"instances": [1]}').json == {"predictions": [2.0]}


def test_a_number_and_a_seed_make_a_request():
    inputs = {"s": {"x": ("DT_FLOAT", 1), "t": ("DT_STRING", 2)}}
    fuzzer, other = Fuzzer("m", inputs, 1), Fuzzer("m", inputs, 2)
    numbers = range(50)
    again = [Fuzzer("m", inputs, 1).request(i) for i in numbers]
    assert [fuzzer.request(i) for i in numbers] == again
    assert [other.request(i) for i in numbers] != again
    assert any(isinstance(request, GrpcRequest) for request in again)


def test_what_breaks_is_reported(monkeypatch):
    """A server that drops connections and one that answers 500 are both failures."""
    answers = iter([("500", "why"), ("no answer", "reset"), ("200", "")])
    monkeypatch.setattr(
        serving_fuzz.Target, "send", lambda self, request: next(answers)
    )
    fuzzer = Fuzzer("m", {"s": {"x": ("DT_FLOAT", 1)}}, 1)
    target = serving_fuzz.Target("127.0.0.1:1", None, 1)
    outcome = serving_fuzz.run(fuzzer, [target], range(3))
    assert [line.split(": ")[1] for line in outcome.failures] == [
        "500 why",
        "no answer reset",
    ]
