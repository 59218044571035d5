"""`Client` against a fake server, by gRPC and by REST."""

import contextlib
import socket
import threading

import numpy as np
import pytest

from export.client import Client, SentenceError, ServerError
from export.client import retries as retries_module
from export.client.pieces import piece_seed
from tests.export.client import fakes
from tests.export.client.fakes import RATE_HZ, FakeModel, Refused, spoken

TEXT = "One is long. Two!\n\nThree comes now? Four."
SENTENCES = ["One is long.", "Two!", "Three comes now?", "Four."]
GAPS = [0, 1, 2.5, 1]


@pytest.fixture(params=["grpc", "rest"])
def serve(request, monkeypatch):
    """serve(model, ..) -> Client of a server of that model."""
    # Proxies of whoever runs the tests are of no use here.
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("NO_PROXY", "*")
    start = {"grpc": fakes.grpc_server, "rest": fakes.rest_server}[request.param]
    with contextlib.ExitStack() as stack:

        def serving(model, /, **options):
            server = stack.enter_context(start(model))
            options.setdefault("timeout_seconds", 20)
            client = Client(server, rest=request.param == "rest", **options)
            return stack.enter_context(client)

        yield serving


@pytest.fixture
def no_waits(monkeypatch):
    monkeypatch.setattr(retries_module.time, "sleep", lambda _: None)


def expected(seed=0, pause=0.1, **settings) -> np.ndarray:
    parts = []
    for number, (sentence, gap) in enumerate(zip(SENTENCES, GAPS, strict=True)):
        parts.append(np.zeros(round(gap * pause * RATE_HZ)))
        parts.append(spoken(sentence, piece_seed(seed, number), **settings))
    return np.concatenate(parts)


def signatures(model) -> list[str]:
    return [signature for signature, _ in model.calls]


def test_sentences_are_joined_in_order_with_pauses(serve):
    model = FakeModel(seconds=0.01, slow_word="One")  # the first is ready last
    client = serve(model, pause_seconds=0.1)
    audio, rate_hz = client.speak(TEXT, seed=7)
    assert rate_hz == RATE_HZ and audio.dtype == np.float32
    np.testing.assert_allclose(audio, expected(7), atol=1e-6)
    assert signatures(model) == ["encode"] + ["synthesize"] * 4
    assert model.most_running > 1


def test_settings_reach_the_server(serve):
    model = FakeModel()
    audio, _ = serve(model).speak("Slow.", steps=9, length_scale=1.5, seed=-(2**63))
    np.testing.assert_allclose(
        audio, spoken("Slow.", seed=-(2**63), steps=9, length_scale=1.5), atol=1e-6
    )
    _, inputs = model.calls[-1]
    assert {k: v.tolist() for k, v in inputs.items()} == {
        "text": [b"Slow."],
        "seed": [-(2**63)],
        "num_steps": [9],
        "length_scale": [1.5],
    }


def test_voices_own_steps_are_the_default(serve):
    model = FakeModel()
    serve(model).speak("Hi.", length_scale=2.0)
    assert model.calls[-1][1]["num_steps"] == [fakes.DEFAULT_STEPS]


def test_without_settings_wav_is_used(serve):
    model = FakeModel()
    audio, rate_hz = serve(model, pause_seconds=0).speak("One. Two.")
    whole = np.concatenate([spoken("One."), spoken("Two.")])
    np.testing.assert_allclose(audio, whole, atol=0.5 / 32768 + 1e-7)
    assert rate_hz == RATE_HZ
    assert signatures(model) == ["wav", "wav"]


def test_text_that_is_not_ascii_arrives(serve):
    model = FakeModel()
    text = 'Häuser "und" 日本\t😀 \\u0041.'
    audio, _ = serve(model).speak(text, seed=1)
    np.testing.assert_allclose(audio, spoken(text, 1), atol=1e-6)


def test_stream_joined_is_the_whole(serve):
    """The fake refuses too little margin, and its sound depends on all of it."""
    model = FakeModel()
    client = serve(model, pause_seconds=0.1)
    text = "A" * 90 + ". Then, a second one.\n\nThird " + "b" * 800 + "."
    stream = client.stream(text, seed=5, steps=4)
    chunks = list(stream)
    whole, rate_hz = client.speak(text, seed=5, steps=4)
    assert stream.sample_rate_hz == rate_hz
    np.testing.assert_allclose(np.concatenate(chunks), whole, atol=1e-6)
    assert len(chunks[0]) == RATE_HZ // 2  # little, for early sound
    windows = [i["window_frames"][0] for s, i in model.calls if s == "decode_window"]
    assert len(windows) > 6 and max(windows) > 900


def test_stream_sends_no_more_features_than_a_window_needs(serve):
    model = FakeModel()
    list(serve(model).stream("x" * 1000, steps=2))
    sizes = {
        int(i["first_frame"][0]): (i["features"].shape[1], int(i["window_frames"][0]))
        for s, i in model.calls
        if s == "decode_window"
    }
    margin = 2 * fakes.MARGIN_PER_STEP
    assert sizes.pop(0) == (50 + margin, 50)
    last = max(sizes)
    assert sizes.pop(last)[0] == 5000 - last + margin
    assert sizes and all(sent == size + 2 * margin for sent, size in sizes.values())


def test_first_sound_does_not_wait_for_the_rest(serve):
    """While later windows are held back, the first one comes."""
    model = FakeModel()
    free = threading.Event()
    decode = model._decode

    def held(**inputs):
        assert inputs["first_frame"][0] == 0 or free.wait(20)
        return decode(**inputs)

    model._decode = held
    stream = serve(model).stream("x" * 300)
    chunks = iter(stream)
    first = next(chunks)
    assert len(first) == RATE_HZ // 2
    free.set()
    assert sum(map(len, chunks)) + len(first) == len(spoken("x" * 300))


def test_stream_may_be_given_up(serve):
    model = FakeModel()
    stream = serve(model, in_flight=2).stream("x" * 1900)
    next(iter(stream))
    stream.close()
    assert len(model.calls) < 6


def test_requests_in_flight_are_bounded(serve):
    model = FakeModel(seconds=0.03)
    serve(model, in_flight=3).speak(" ".join(["Yes."] * 12))
    assert 2 <= model.most_running <= 3


def test_answers_above_4_mib_come_through():
    """More than a Python gRPC client takes unless it is told to."""
    text = "x" * 600
    with fakes.grpc_server(FakeModel()) as server, Client(server) as client:
        audio, _ = client.speak(text, length_scale=5)
    assert audio.nbytes > 1.1 * 2**22
    np.testing.assert_allclose(audio, spoken(text, length_scale=5), atol=1e-6)


def test_unavailable_is_tried_again(serve, no_waits):
    model = FakeModel(refusals=[Refused("UNAVAILABLE", "full")] * 2)
    client = serve(model, pause_seconds=0.1)
    np.testing.assert_allclose(client.speak(TEXT, seed=2)[0], expected(2), atol=1e-6)


def test_refusal_names_the_sentence_and_is_not_tried_again(serve):
    model = FakeModel(bad_word="Three")
    with pytest.raises(SentenceError) as caught:
        serve(model, in_flight=1).speak(TEXT, seed=0)
    assert caught.value.number == 3 and caught.value.code == "INVALID_ARGUMENT"
    assert str(caught.value) == (
        "sentence 3 ('Three comes now?') failed: INVALID_ARGUMENT: this word cannot be "
        "spoken"
    )
    asked = [i["text"][0] for s, i in model.calls if s == "synthesize"]
    assert asked.count(b"Three comes now?") == 1


def test_refusal_ends_a_stream_after_the_sentences_before(serve):
    stream = serve(FakeModel(bad_word="Two")).stream(TEXT, seed=3)
    received = []
    with pytest.raises(SentenceError, match=r"sentence 2 \('Two!'\)"):
        received.extend(stream)
    np.testing.assert_allclose(
        np.concatenate(received), spoken("One is long.", 3), atol=1e-6
    )


def test_deadline(serve):
    client = serve(FakeModel(seconds=5.0), timeout_seconds=0.3)
    with pytest.raises(SentenceError) as caught:
        client.speak("Hi.")
    assert caught.value.code == "DEADLINE_EXCEEDED"


def test_divided_sentence_is_spoken_whole_and_keeps_its_number(serve):
    model = FakeModel()
    text = "Ok. Word " + "word " * 500 + "end."
    audio, _ = serve(model, in_flight=1).speak(text, length_scale=0.2)
    sent = [i["text"][0].decode() for s, i in model.calls if s == "synthesize"]
    assert len(sent) == 3 and " ".join(sent) == text
    assert len(audio) > len(spoken("word " * 400, length_scale=0.2))
    model.bad_word = "end"
    with pytest.raises(SentenceError, match="sentence 2 "):
        serve(model).speak(text)


@pytest.mark.parametrize("pinned", [{"version": 3}, {"label": "stable"}])
def test_version_and_label(serve, pinned):
    model = FakeModel(labels={"stable": 3, "canary": 4})
    assert len(serve(model, **pinned).speak("Hi.")[0]) == len(spoken("Hi."))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"version": 9}, r"Specific\(default, 9\); its versions: 3 AVAILABLE, 2 END"),
        ({"label": "old"}, "Unrecognized servable version label: old"),
        ({"model": "gone"}, r"'gone' at localhost:\d+: .*no model of this name"),
    ],
)
def test_what_is_not_there_is_said_up_front(serve, options, said):
    model = FakeModel()
    with pytest.raises(ServerError, match=said):
        serve(model, **options).speak("Hi.")
    assert model.calls == []


def test_other_models_are_refused_up_front(serve):
    types = {"x": "DT_FLOAT"}, {"y": "DT_FLOAT"}
    model = FakeModel(signatures={"serving_default": types})
    with pytest.raises(ValueError, match=r"'default' at localhost:.* not a wg2 export"):
        serve(model).speak("Hi.")
    assert model.calls == []


def test_speakers(serve):
    client = serve(FakeModel(speakers=("anna", "bert")))
    with pytest.raises(
        ValueError, match="choose a speaker: speaker must be one of: anna, bert"
    ):
        client.speak("Hi.")
    audio, _ = client.speak("Hi.", speaker="bert")
    np.testing.assert_allclose(audio, spoken("Hi."), atol=1e-6)
    with pytest.raises(ServerError, match="one of: anna, bert"):
        client.speak("Hi.", speaker="carl")
    with pytest.raises(ValueError, match=r"one speaker.* not 'anna'"):
        serve(FakeModel()).speak("Hi.", speaker="anna")


def test_reload_between_sentences_loses_nothing(serve, caplog):
    model = FakeModel()
    client = serve(model, pause_seconds=0.1, in_flight=1)
    run = model._run

    def reload_after_two(signature, inputs):
        if signatures(model).count("synthesize") == 2:
            model.version = 4
        return run(signature, inputs)

    model._run = reload_after_two
    np.testing.assert_allclose(client.speak(TEXT, seed=2)[0], expected(2), atol=1e-6)
    assert "version 3 of the model is gone; going on with version 4" in caplog.text


def test_reload_with_another_rate_is_an_error(serve):
    model = FakeModel()
    client = serve(model, in_flight=1)
    run = model._run

    def other_rate_after_one(signature, inputs):
        outputs = run(signature, inputs)
        model.version, model.rate_hz = 4, 16000
        return outputs

    model._run = other_rate_after_one
    with pytest.raises(SentenceError, match="16000 Hz instead of 8000 Hz"):
        client.speak("One. Two.")


def test_version_that_was_asked_for_is_not_replaced(serve):
    model = FakeModel()
    client = serve(model, version=3, in_flight=1)
    run = model._run

    def reload(signature, inputs):
        model.version = 4
        return run(signature, inputs)

    model._run = reload
    with pytest.raises(SentenceError, match=r"sentence 2 .*Specific\(default, 3\)"):
        client.speak("One. Two.")


def test_answers_that_make_no_sense_are_refused(serve):
    model = FakeModel()
    run = model._run
    broken = {}
    model._run = lambda signature, inputs: run(signature, inputs) | broken
    client = serve(model)
    for name, value, said in (
        ("num_samples", np.array([10**6], np.int32), "for 1000000 samples"),
        ("num_samples", np.array([5, 5], np.int32), r"shape \(2,\)"),
        ("audio", np.zeros((3,), np.float32), r"shape \(3,\)"),
        ("audio", np.full((1, 99999), np.nan, np.float32), "not finite"),
    ):
        broken.clear()
        broken[name] = value
        with pytest.raises((SentenceError, ServerError), match=said):
            client.speak("Hi.", seed=1)
    broken.clear()
    broken["wav_bytes"] = np.array([b"RIFF, but no more"], object)
    with pytest.raises(SentenceError, match="wav_bytes is no"):
        client.speak("Hi.")


def test_status(serve):
    assert serve(FakeModel()).status() == [(3, "AVAILABLE", ""), (2, "END", "")]


@pytest.mark.parametrize("rest", [False, True])
def test_absent_server_is_one_error(rest, no_waits, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with socket.socket() as closed:  # bound, but nobody listens
        closed.bind(("localhost", 0))
        server = f"localhost:{closed.getsockname()[1]}"
        with (
            Client(server, rest=rest, retries=2) as client,
            pytest.raises(ServerError, match="tried 3 times") as caught,
        ):
            client.speak("Hi.")
    assert caught.value.code == "UNAVAILABLE" and server in str(caught.value)


def test_server_that_comes_up_late_is_waited_for(monkeypatch):
    """gRPC's own waits between connections must not outlast ours."""
    with socket.socket() as found:
        found.bind(("localhost", 0))
        port = found.getsockname()[1]
    attempts = []
    started = threading.Event()
    real_sleep = retries_module.time.sleep

    def sleep(seconds):
        attempts.append(seconds)
        if len(attempts) == 2:
            started.set()
        real_sleep(0.3)

    monkeypatch.setattr(retries_module.time, "sleep", sleep)
    found = {}
    with Client(f"localhost:{port}", retries=50) as client:
        thread = threading.Thread(
            target=lambda: found.update(audio=client.speak("Hi.")[0]), daemon=True
        )
        thread.start()
        assert started.wait(20)
        with fakes.grpc_server(FakeModel(), port=port):
            thread.join(20)
    assert len(found["audio"]) == len(spoken("Hi."))
    assert 2 <= len(attempts) < 20


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"version": 1, "label": "stable"}, "not both"),
        ({"version": -1}, "version=-1"),
        ({"in_flight": 0}, "in_flight"),
        ({"pause_seconds": -0.1}, "pause"),
        ({"pause_seconds": float("nan")}, "pause"),
        ({"timeout_seconds": 0}, "timeout"),
        ({"retries": -1}, "retries"),
        ({"model": ""}, "name is empty"),
        ({"ca_file": "ca.pem"}, "TLS only"),
        ({"server": "http://localhost"}, "host:port"),
    ],
)
def test_options_without_sense_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        Client(**options)


def test_missing_ca_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.pem"):
        Client(tls=True, ca_file=tmp_path / "none.pem")


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 0},
        {"steps": 1001},
        {"seed": 2**63},
        {"length_scale": 0.05},
        {"length_scale": float("nan")},
    ],
)
def test_settings_without_sense_are_refused_before_anything_is_sent(settings):
    (name,) = settings
    with pytest.raises(ValueError, match=name.replace("seed", "a seed")):
        Client().speak("Hi.", **settings)
