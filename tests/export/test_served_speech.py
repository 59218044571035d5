"""From the client over the wire to the exported voice and back, against the voice."""

from __future__ import annotations

import json

import numpy as np
import pytest

from export.client import Client
from export.client.errors import SentenceError
from tests.export.standin import toy
from wg2.inference import Synthesizer

TEXT = "Hello world, this is one sentence of some length."
SETTINGS = {"steps": 3, "seed": 5, "length_scale": 3.0, "speaker": "bob"}


@pytest.fixture(scope="module")
def server(model_path):
    process = toy.Process("--model-base-path", str(model_path))
    try:
        yield process.ready()
    finally:
        assert process.end() == 0


@pytest.fixture(params=["grpc", "rest"])
def client(server, request):
    rest = request.param == "rest"
    address = f"127.0.0.1:{server.rest_port}" if rest else server.target
    with Client(address, model="random", rest=rest) as client:
        yield client


@pytest.fixture(scope="module")
def voice(voice_path):
    return Synthesizer.load(voice_path)


def test_what_is_heard_is_what_the_voice_speaks(client, voice):
    audio, rate = client.speak(TEXT, **SETTINGS)
    assert rate == voice.sample_rate_hz
    np.testing.assert_allclose(audio, voice(TEXT, **SETTINGS), atol=1e-4)


def test_a_stream_is_the_whole(client, voice):
    stream = client.stream(TEXT, **SETTINGS)
    chunks = list(stream)
    assert len(chunks) > 2
    np.testing.assert_allclose(
        np.concatenate(chunks), voice(TEXT, **SETTINGS), atol=1e-4
    )


def test_sentences_of_a_long_text_are_all_there(client):
    settings = {"steps": 1, "speaker": "ann"}
    audio, rate = client.speak("Yes. No. Yes. " * 4, **settings)
    yes, no = (len(client.speak(text, **settings)[0]) for text in ("Yes.", "No."))
    expected = 8 * yes + 4 * no + 11 * 0.25 * rate
    assert abs(len(audio) - expected) < 0.05 * rate


def test_the_limits_of_the_export_reach_the_client(client):
    with pytest.raises(SentenceError, match=r"900 s at most \(max_seconds\)"):
        client.speak("Yes" + " [10s]" * 100 + ".", steps=1, speaker="ann")


def test_a_speaker_that_is_no_text_is_refused(server):
    inputs = {"text": ["a"], "length_scale": [1.0], "speaker": [{"b64": "/6Gh"}]}
    body = json.dumps({"signature_name": "encode", "inputs": inputs}).encode()
    answer = server.http("POST", "/v1/models/random:predict", body)
    assert answer.status == 400
    assert "speaker must be one of: ann, bob" in answer.json["error"]


@pytest.mark.parametrize(
    ("signature", "changed"),
    [
        ("serving_default", {"text": "alone"}),
        ("serving_default", {"text": [["a", "b"], ["c", "d"]]}),
        ("encode", {"text": ["a"], "length_scale": [[1.0]], "speaker": ["ann"]}),
    ],
)
def test_another_rank_is_refused_by_the_graph(server, signature, changed):
    body = json.dumps({"signature_name": signature, "inputs": changed}).encode()
    answer = server.http("POST", "/v1/models/random:predict", body)
    assert answer.status == 400
    assert "is not compatible with expected shape" in answer.json["error"]


def test_signatures_answer_json_of_any_language(server):
    body = {"instances": ["Hello.", "😀"]}
    answer = server.http("POST", "/v1/models/random:predict", json.dumps(body).encode())
    assert answer.status == 200
    rows = json.loads(answer.body)["predictions"]
    assert [set(row) for row in rows] == [{"audio", "num_samples"}] * 2
    assert rows[0]["num_samples"] > rows[1]["num_samples"] > 0
    assert len(rows[0]["audio"]) == len(rows[1]["audio"]) == rows[0]["num_samples"]
