"""Windows, order of results, attempts, and messages."""

import threading

import numpy as np
import pytest

from export.client import retries
from export.client.errors import ServerError, readable
from export.client.ordered import ordered
from export.client.retries import Retries
from export.client.transport import address
from export.client.windows import Window, plan_windows


@pytest.mark.parametrize("total", [0, 1, 49, 51, 60, 999, 1000, 12345])
@pytest.mark.parametrize("margin", [0, 30, 700])
def test_windows_cover_everything_once_and_grow(total, margin):
    windows = plan_windows(total, 50, 1000, margin)
    frames = [
        frame
        for window in windows
        for frame in range(window.first_frame, window.first_frame + window.num_frames)
    ]
    assert frames == list(range(total))
    sizes = [window.num_frames for window in windows]
    assert all(size <= 1250 for size in sizes)
    assert sizes[:-1] == sorted(sizes[:-1])
    if total > 100:
        assert sizes[0] == 50
    if total > 1000:
        assert all(size >= min(margin, 1000) for size in sizes[1:-1])
        assert sizes[-1] * 5 >= sizes[-2]


def test_margin_ends_with_the_utterance():
    assert Window(5, 10).with_margin(7, 100) == (0, 22)
    assert Window(80, 15).with_margin(7, 100) == (73, 100)


def test_results_keep_their_order_and_few_run_at_a_time():
    running, most = 0, 0
    lock = threading.Lock()
    second_started = threading.Event()

    def job(number):
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        if number == 0:  # ends after the second has begun
            assert second_started.wait(10)
        if number == 1:
            second_started.set()
        with lock:
            running -= 1
        return number

    jobs = [lambda n=n: job(n) for n in range(50)]
    assert list(ordered(jobs, in_flight=3)) == list(range(50))
    assert 2 <= most <= 3


def test_no_job_starts_after_an_error():
    started = []

    def job(number):
        started.append(number)
        if number == 2:
            raise KeyError(number)
        return number

    results = ordered((lambda n=n: job(n) for n in range(100)), in_flight=2)
    assert [next(results), next(results)] == [0, 1]
    with pytest.raises(KeyError):
        next(results)
    assert max(started) <= 4


def test_error_of_the_jobs_themselves_comes_in_its_turn():
    def jobs():
        yield lambda: 1
        raise KeyError("no more")

    results = ordered(jobs(), in_flight=4)
    assert next(results) == 1
    with pytest.raises(KeyError):
        next(results)


def test_closing_ends_the_thread_that_waits():
    before = threading.active_count()
    results = ordered((lambda: 0 for _ in iter(int, 1)), in_flight=2)
    next(results)
    results.close()
    for thread in threading.enumerate():
        if "start_all" in thread.name:
            thread.join(10)
            assert not thread.is_alive()
    assert threading.active_count() <= before + 2


@pytest.fixture
def waits(monkeypatch):
    found = []
    monkeypatch.setattr(retries.time, "sleep", found.append)
    return found


def failing(code, times):
    left = [ServerError(code, "busy")] * times

    def attempt():
        if left:
            raise left.pop()
        return "done"

    return attempt


def test_unavailable_is_tried_again_with_growing_waits(waits):
    settings = Retries(limit=6, first_seconds=1.0, longest_seconds=5.0)
    assert settings.run(failing("UNAVAILABLE", 6)) == "done"
    limits = np.array([1, 2, 4, 5, 5, 5])
    assert np.all(waits <= limits) and np.all(waits >= limits / 2)
    assert len(set(waits)) == 6  # jitter


def test_attempts_are_bounded(waits):
    with pytest.raises(ServerError, match=r"busy \(tried 3 times\)"):
        Retries(limit=2).run(failing("UNAVAILABLE", 3))
    assert len(waits) == 2


@pytest.mark.parametrize("code", ["INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "INTERNAL"])
def test_nothing_else_is_tried_again(waits, code):
    with pytest.raises(ServerError, match=code):
        Retries().run(failing(code, 1))
    assert waits == []


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (
            "assertion failed: [a text has at most 8192 bytes] [9000]\n"
            "\t [[{{node frontend/Assert}}]]\n\t [[other]]",
            "a text has at most 8192 bytes 9000",
        ),
        ("assertion failed: [too long]", "too long"),
        ("two\n  lines", "two lines"),
        ("x" * 600, "x" * 500 + "..."),
    ],
)
def test_messages_are_one_line(message, line):
    assert ServerError("INVALID_ARGUMENT", message).message == readable(message) == line


@pytest.mark.parametrize(
    ("given", "full"),
    [
        ("localhost", "localhost:8500"),
        ("host:9", "host:9"),
        ("[::1]", "[::1]:8500"),
        ("[::1]:9", "[::1]:9"),
    ],
)
def test_address_gets_the_default_port(given, full):
    assert address(given, 8500) == full


@pytest.mark.parametrize(
    "given", ["", "http://a:1", "a:b", "a:", ":1", "a:0", "a:65536", "a/b"]
)
def test_address_that_is_none_is_refused(given):
    with pytest.raises(ValueError, match="host:port"):
        address(given, 8500)
