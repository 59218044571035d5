"""Load, shutdown, clients that go away, and the pages that tell of it."""

from __future__ import annotations

import signal
import socket
import threading
import time

import grpc
import pytest
import tensorflow as tf

from export.standin.config import ModelConfig
from export.standin.rest_service import RestLimits
from tests.export.standin import toy
from tests.export.standin.toy import floats, request

LONG = 10**9


@pytest.fixture(scope="session")
def small(tmp_path_factory):
    base = tmp_path_factory.mktemp("small") / "toy"
    toy.save_small(base, 1, 2.0)
    return base


def slow(client: toy.Client, steps: int = LONG) -> grpc.Future:
    ask = request("slow", steps=tf.constant([steps], tf.int32))
    return client.prediction.Predict.future(ask, timeout=toy.START_SECONDS)


def running(client: toy.Client) -> float:
    return client.metric("serving_requests_running")


def test_a_grpc_client_that_cancels_frees_its_slot(small, serve):
    client = serve(small, max_running=1).client()
    call = slow(client)
    toy.wait_for(lambda: running(client) == 1)
    call.cancel()
    assert client.predict(x=floats(1)).outputs["y"].float_val[0] == 2.0
    assert running(client) == 0


def test_a_rest_client_that_disconnects_frees_its_slot(small, serve):
    client = serve(small, max_running=1).client()
    body = b'{"signature_name": "slow", "instances": [%d]}' % LONG
    head = (
        b"POST /v1/models/toy:predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", client.rest_port)) as connection:
        connection.sendall(head % len(body) + body)
        toy.wait_for(lambda: running(client) == 1)
    assert client.post('{"instances": [1]}').json == {"predictions": [2.0]}
    assert running(client) == 0


def test_what_finds_no_place_in_the_queue_is_unavailable(small, serve):
    client = serve(small, max_running=1, max_waiting=1).client()
    calls = [slow(client)]
    toy.wait_for(lambda: running(client) == 1)
    calls.append(slow(client))
    toy.wait_for(lambda: client.metric("serving_requests_waiting") == 1)
    with pytest.raises(grpc.RpcError) as caught:
        client.predict(x=floats(1))
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    answer = client.post('{"instances": [1]}')
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert client.get("/v1/models/toy").status == 200  # takes no slot
    for call in calls:
        call.cancel()
    assert client.predict(x=floats(1)).outputs["y"].float_val[0] == 2.0


def test_a_waiting_request_that_is_cancelled_leaves_the_queue(small, serve):
    client = serve(small, max_running=1, max_waiting=1).client()
    first, second = slow(client), slow(client)
    toy.wait_for(lambda: client.metric("serving_requests_waiting") == 1)
    second.cancel()
    toy.wait_for(lambda: client.metric("serving_requests_waiting") == 0)
    assert running(client) == 1
    first.cancel()


def test_time_in_the_queue_counts(small, serve):
    client = serve(small, max_running=1, rest=RestLimits(timeout_seconds=0.3)).client()
    call = slow(client)
    toy.wait_for(lambda: running(client) == 1)
    assert client.post('{"instances": [1]}').status == 504
    call.cancel()


def test_sigterm_under_load(small, launch):
    """What can end within the time does, and its answer arrives; nothing hangs."""
    process = launch(
        *("--model_base_path", str(small), "--shutdown-seconds", "5"),
        *("--max-concurrent-requests", "3"),
    )
    client = process.ready()
    endless = slow(client)
    toy.wait_for(lambda: running(client) == 1)
    calls = [slow(client, steps=20 + i) for i in range(6)]
    body = '{"signature_name": "slow", "instances": [20]}'
    answers = []
    posts = [
        threading.Thread(target=lambda: answers.append(client.post(body)))
        for _ in range(6)
    ]
    for post in posts:
        post.start()
    toy.wait_for(lambda: client.metric("serving_requests_in_flight") >= 11)
    process.process.send_signal(signal.SIGTERM)
    for call in calls:
        assert call.result(toy.START_SECONDS).outputs["y"].float_val[0] == 2.0
    for post in posts:
        post.join(toy.START_SECONDS)
    assert [answer.json["predictions"][0]["y"] for answer in answers] == [2.0] * 6
    assert process.end() == 0
    with pytest.raises(grpc.RpcError):
        endless.result()
    assert not accepts(client)


def test_ctrl_c_while_it_stops_waits_for_nothing(small, launch):
    process = launch("--model_base_path", str(small))
    client = process.ready()
    call = slow(client)  # is cancelled where nobody holds it
    toy.wait_for(lambda: running(client) == 1)
    process.process.send_signal(signal.SIGTERM)
    toy.wait_for(lambda: not accepts(client))
    process.process.send_signal(signal.SIGINT)
    assert process.process.wait(toy.START_SECONDS) == 128 + signal.SIGINT
    with pytest.raises(grpc.RpcError):
        call.result()


def accepts(client: toy.Client) -> bool:
    try:
        socket.create_connection(("127.0.0.1", client.rest_port)).close()
    except ConnectionRefusedError:
        return False
    return True


def test_stop_before_a_version_is_there(tmp_path, serve):
    server = serve(tmp_path)
    toy.wait_for(lambda: server.models.configured()[0].warned)
    server.stop()
    assert server.done is False
    assert not server.opened


def test_healthz_follows_the_models(small, serve, tmp_path):
    server = serve(small)
    client = server.client()
    assert client.get("/healthz").status == 200
    server.models.configure([ModelConfig("other", tmp_path)])
    assert client.get("/healthz").status == 503


def test_healthz_is_503_while_it_stops(small, serve):
    server = serve(small)
    client = server.client()
    server.server.rest.stopping = True  # its port closes a moment later
    assert client.get("/healthz").status == 503


def test_no_port_opens_before_a_version_is_there(tmp_path, serve, small, caplog):
    base = tmp_path / "toy"
    base.mkdir()
    server = serve(base)
    time.sleep(0.3)  # some looks at the empty folder
    assert not server.opened
    assert caplog.text.count("No versions of servable toy found") == 1
    (small / "1").rename(base / "1")
    try:
        assert server.client().get("/healthz").status == 200
    finally:
        (base / "1").rename(small / "1")


def test_metrics_count_by_model_method_protocol_and_status(small, serve):
    client = serve(small).client()
    client.predict(x=floats(1))
    client.post('{"instances": [1]}')
    client.post("no JSON")
    client.post('{"instances": [1]}', "/v1/models/made-up:predict")
    count = "serving_requests_total"
    predict = {"model": "toy", "protocol": "rest", "method": "predict"}
    assert client.metric(count, model="toy", protocol="grpc", status="OK") == 1
    assert client.metric(count, **predict, status="OK") == 1
    assert client.metric(count, **predict, status="INVALID_ARGUMENT") == 1
    assert client.metric(count, model="", status="NOT_FOUND") == 1
    assert client.metric("serving_request_seconds_count", **predict) == 2
    assert client.metric("serving_model_version_state", version="1") == 30
    assert client.metric("serving_requests_in_flight") == 0
    page = client.get("/monitoring/prometheus/metrics")
    assert b"made-up" not in page.body
    assert page.headers["Content-Type"].startswith("text/plain")


def test_cors_headers_are_sent_if_asked_for(small, serve):
    client = serve(small, cors=True).client()
    for answer in (
        client.http("OPTIONS", "/v1/models/toy:predict", Origin="http://a"),
        client.post('{"instances": [1]}'),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_stop_while_requests_wait_in_line(small, serve):
    server = serve(small, max_running=1, shutdown_seconds=toy.START_SECONDS)
    client = server.client()
    calls = [slow(client, steps=20) for _ in range(4)]
    toy.wait_for(lambda: client.metric("serving_requests_in_flight") == 4)
    stopper = threading.Thread(target=server.stop)
    stopper.start()
    for call in calls:
        assert call.result().outputs["y"].float_val[0] == 2.0
    stopper.join(toy.START_SECONDS)
    assert server.done is True
