"""The load benchmark against the stand-in."""

from __future__ import annotations

import itertools

import pytest

from benchmarks import serving_load


@pytest.fixture
def measure(standin, capsys):
    def run(*arguments: str) -> tuple[int, list[str]]:
        rest = f"127.0.0.1:{standin.rest_port}"
        code = serving_load.main(
            [
                *("--grpc", standin.target, "--rest", rest, "--model", "toy"),
                *("--seconds", "0.3", *arguments),
            ]
        )
        captured = capsys.readouterr()
        return code, (captured.err if code == 2 else captured.out).splitlines()

    return run


def test_both_protocols_lose_nothing(measure):
    inputs = '{"a": [1.5], "b": [2]}'
    code, lines = measure(
        "--signature", "two", "--inputs", inputs, "--clients", "1", "3"
    )
    assert code == 0
    rows = [line.split() for line in lines[-4:]]
    assert [row[:2] for row in rows] == [
        ["grpc", "1"],
        ["grpc", "3"],
        ["rest", "1"],
        ["rest", "3"],
    ]
    for row in rows:
        assert row[-1] == "0"
        assert float(row[2]) > 0
        assert float(row[3]) <= float(row[4]) <= float(row[5])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--inputs", "{"), "--inputs is no JSON"),
        (("--inputs", '{"z": [1]}'), "Missing named input: x"),
        (("--inputs", '{"x": ["a"]}'), "not of expected type: float"),
        (("--inputs", "[1]", "--signature", "no"), "no signature no"),
        (("--inputs", "[1]", "--protocols", "udp"), "Received: udp"),
        (("--inputs", "[-1]", "--signature", "checked"), "INVALID_ARGUMENT over grpc"),
        (("--inputs", "[1]", "--rest", "127.0.0.1:1"), "refused"),
    ],
)
def test_what_cannot_be_measured_is_said_in_a_line(measure, arguments, says):
    code, lines = measure(*arguments)
    assert code == 2
    assert len(lines) == 1 and says in lines[0]


def test_an_answer_that_does_not_come_is_lost():
    answers = itertools.cycle([("OK", 1), ConnectionResetError("gone")])

    def send():
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    load = serving_load.run(lambda: send, num_clients=2, seconds=0.05)
    assert load.num_lost == load.statuses["ConnectionResetError"] > 0
    assert load.statuses["OK"] == len(load.seconds) > 0
