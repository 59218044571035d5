"""Versions that come and go under a running server."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import grpc
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow_serving.apis import model_management_pb2, prediction_log_pb2

from export.standin import config, servable, warmup
from export.standin.config import ModelConfig, VersionPolicy
from export.standin.errors import Code, ServingError
from tests.export.standin import toy
from tests.export.standin.toy import floats, request

FACTORS = {1: 2.0, 2: 3.0, 10: 5.0}


@pytest.fixture(scope="session")
def versions(tmp_path_factory) -> Path:
    base = tmp_path_factory.mktemp("versions")
    for number, factor in FACTORS.items():
        toy.save_small(base, number, factor)
    return base


@pytest.fixture
def base(tmp_path) -> Path:
    (tmp_path / "toy").mkdir()
    return tmp_path / "toy"


@pytest.fixture
def add(versions, base):
    """Puts a version in place at once, as an exporter's rename does."""

    def put(number: int, name: str | None = None) -> Path:
        shutil.copytree(versions / str(number), base / "unfinished")
        return (base / "unfinished").rename(base / (name or str(number)))

    return put


def factor(client: toy.Client) -> float:
    return client.predict(x=floats(1)).outputs["y"].float_val[0]


def states(client: toy.Client) -> dict[str, str]:
    entries = client.get("/v1/models/toy").json["model_version_status"]
    return {entry["version"]: entry["state"] for entry in entries}


def test_the_largest_number_is_served(add, base, serve):
    add(2, "00000002")
    add(10)
    (base / "tmp-11").mkdir()
    client = serve(base).client()
    assert factor(client) == FACTORS[10]
    assert states(client) == {"10": "AVAILABLE"}


def test_a_running_request_outlives_its_version(add, base, serve):
    add(1)
    client = serve(base).client()
    answers = []
    steps = tf.constant([200], tf.int32)
    thread = threading.Thread(
        target=lambda: answers.append(client.predict("slow", steps=steps))
    )
    thread.start()
    toy.wait_for(lambda: client.metric("serving_requests_running") == 1)
    add(2)
    toy.wait_for(lambda: factor(client) == FACTORS[2])
    assert states(client)["2"] == "AVAILABLE"
    thread.join(toy.START_SECONDS)
    assert answers[0].outputs["y"].float_val[0] == FACTORS[1]
    assert answers[0].model_spec.version.value == 1
    toy.wait_for(lambda: states(client) == {"2": "AVAILABLE", "1": "END"})
    old = request(x=floats(1))
    old.model_spec.version.value = 1
    with pytest.raises(grpc.RpcError, match="Specific\\(toy, 1\\)"):
        client.prediction.Predict(old)


def test_no_request_fails_while_versions_change(add, base, serve):
    add(1)
    client = serve(base).client()
    seen, ended = [], threading.Event()

    def ask():
        while not ended.is_set():
            seen.append(factor(client))

    thread = threading.Thread(target=ask)
    thread.start()
    add(2)
    toy.wait_for(lambda: seen[-1:] == [FACTORS[2]])
    shutil.rmtree(base / "2")  # back to the first
    toy.wait_for(lambda: seen[-1:] == [FACTORS[1]])
    ended.set()
    thread.join(toy.START_SECONDS)
    assert sorted(set(seen)) == [FACTORS[1], FACTORS[2]]


def test_an_unfinished_version_is_end_until_it_is_whole(add, base, serve, versions):
    add(1)
    running = serve(base)
    client = running.client()
    unfinished = base / "2"
    unfinished.mkdir()
    shutil.copy(versions / "2" / "saved_model.pb", unfinished)
    toy.wait_for(lambda: states(client).get("2") == "END")
    entry = client.get("/v1/models/toy/versions/2").json["model_version_status"][0]
    assert entry["status"]["error_code"] != "OK"
    assert entry["status"]["error_message"]
    assert factor(client) == FACTORS[1]
    shutil.copytree(versions / "2" / "variables", unfinished / "variables")
    toy.wait_for(lambda: factor(client) == FACTORS[2])


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: (path / "saved_model.pb").unlink(),
        lambda path: (path / "saved_model.pb").write_bytes(b"\xff" * 100),
        lambda path: (path / "saved_model.pb").write_bytes(b""),
        lambda path: shutil.rmtree(path / "variables"),
        lambda path: next((path / "variables").glob("*.data-*")).write_bytes(b"short"),
    ],
)
def test_no_damage_ends_the_server(add, base, serve, damage):
    add(1)
    client = serve(base).client()
    bad = add(2, "writing")
    damage(bad)
    bad.rename(base / "2")
    toy.wait_for(lambda: states(client).get("2") == "END")
    assert factor(client) == FACTORS[1]


def test_a_failed_load_is_tried_again(add, base, serve, monkeypatch):
    calls = []

    def load(path, number, tags):
        calls.append(number)
        raise ServingError(Code.INVALID_ARGUMENT, "no")

    add(1)
    running = serve(base, manager={"max_retries": 2, "retry_seconds": 0.1})
    client = running.client()
    monkeypatch.setattr("export.standin.servable.load", load)
    add(2)
    toy.wait_for(lambda: len(calls) == 3)
    running.manager.run_once()
    assert calls == [2, 2, 2]  # once, and two retries
    assert factor(client) == FACTORS[1]


def test_python_functions_do_not_load(base, serve):
    module = toy.Python()
    toy.save_module(base, 1, module, module.times)
    running = serve(base)
    running.join()
    assert "Op type not registered 'EagerPyFunc'" in running.error.message
    assert not running.opened


def write_warmup(path: Path, *logs: prediction_log_pb2.PredictionLog) -> None:
    file = path / warmup.FILE
    file.parent.mkdir()
    with tf.io.TFRecordWriter(str(file)) as writer:
        for log in logs:
            writer.write(log.SerializeToString())


def warmup_log(signature: str = "", **inputs) -> prediction_log_pb2.PredictionLog:
    result = prediction_log_pb2.PredictionLog()
    result.predict_log.request.CopyFrom(request(signature, **inputs))
    return result


def test_warmup_decides_whether_a_version_is_served(add, base, serve):
    write_warmup(add(1), warmup_log(x=floats(1)), warmup_log(x=floats(1, 2)))
    client = serve(base).client()
    bad = add(2, "writing")
    write_warmup(bad, warmup_log(x=floats(1)), warmup_log("no"))
    bad.rename(base / "2")
    toy.wait_for(lambda: states(client).get("2") == "END")
    entry = client.get("/v1/models/toy/versions/2").json["model_version_status"][0]
    assert "Warmup record 1" in entry["status"]["error_message"]
    assert factor(client) == FACTORS[1]


def test_more_than_1000_warmup_records_fail(versions, add):
    path = add(1)
    write_warmup(path, *[warmup_log(x=floats(1))] * 1001)
    loaded = servable.load(path, 1)
    with pytest.raises(ServingError, match="exceeds the maximum \\(1000\\)"):
        warmup.run(loaded, path)


def test_several_versions_and_labels(add, base, serve):
    add(1)
    add(2)
    models = [ModelConfig("toy", base, VersionPolicy(latest=2), {"stable": 1})]
    client = serve(models, any_label_version=True).client()
    for address, expected in (
        ("versions/1", FACTORS[1]),
        ("labels/stable", FACTORS[1]),
        ("versions/2", FACTORS[2]),
    ):
        answer = client.post('{"instances": [1]}', f"/v1/models/toy/{address}:predict")
        assert answer.json == {"predictions": [expected]}
    labelled = request(x=floats(1))
    labelled.model_spec.version_label = "stable"
    spec = client.prediction.Predict(labelled).model_spec
    assert (spec.version.value, spec.version_label) == (1, "")


def reload_request(text: str) -> model_management_pb2.ReloadConfigRequest:
    return text_format.Parse(
        f"config {{ model_config_list {{ {text} }} }}",
        model_management_pb2.ReloadConfigRequest(),
    )


def test_reload_request_replaces_the_whole_list(add, base, serve):
    add(1)
    client = serve(base).client()
    other = (
        f"config {{ name: 'other' base_path: '{base}' model_platform: 'tensorflow' }}"
    )
    client.model.HandleReloadConfigRequest(reload_request(other))
    assert client.get("/v1/models/other").json["model_version_status"]
    with pytest.raises(grpc.RpcError, match="Latest\\(toy\\)"):
        factor(client)
    assert states(client) == {"1": "END"}  # unloaded, and still listed


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("config { name: 'm' base_path: 'models/m' model_platform: 'tensorflow' }", 3),
        ("config { name: 'm' base_path: '/m' model_platform: 'other' }", 3),
        ("config { name: 'm' base_path: '/m' }", 3),
        ("config { base_path: '/m' model_platform: 'tensorflow' }", 3),
        (
            "config { name: 'toy' base_path: '/m' model_platform: 'tensorflow' "
            "version_labels { key: 'new' value: 7 } }",
            9,
        ),
    ],
)
def test_reload_request_that_is_refused_changes_nothing(add, base, serve, text, code):
    add(1)
    client = serve(base).client()
    with pytest.raises(grpc.RpcError) as caught:
        client.model.HandleReloadConfigRequest(reload_request(text))
    assert caught.value.code().value[0] == code
    assert factor(client) == FACTORS[1]


def test_a_model_without_versions_is_said_to_be_missing(add, base, serve, tmp_path):
    add(1)
    client = serve(base).client()
    text = (
        f"config {{ name: 'n' base_path: '{tmp_path}' model_platform: 'tensorflow' }}"
    )
    with pytest.raises(grpc.RpcError, match="did not become available"):
        client.model.HandleReloadConfigRequest(reload_request(text))


def test_policies_choose():
    on_disk = [1, 5, 3, 12]
    assert VersionPolicy().choose(on_disk) == {12}
    assert VersionPolicy(latest=2).choose(on_disk) == {5, 12}
    assert VersionPolicy(latest=None).choose(on_disk) == set(on_disk)
    specific = VersionPolicy(latest=None, specific=frozenset([3, 4]))
    assert specific.choose(on_disk) == {3}


def test_folder_names_that_count(tmp_path):
    for name in ("1", "00000123", "-4", "1.5", "v2", "9" * 19, "9" * 18, "٣", ""):
        (tmp_path / name).mkdir(exist_ok=True)
    assert set(config.versions_on_disk(tmp_path)) == {1, 123, -4, int("9" * 18)}
    assert config.versions_on_disk(tmp_path / "none") is None


def test_a_base_path_that_is_away_for_a_moment_unloads_nothing(add, base, serve):
    add(1)
    running = serve(base)
    client = running.client()
    base.rename(base.with_name("away"))
    running.manager.run_once()
    assert factor(client) == FACTORS[1]


def test_config_file_is_read_again(add, base, serve, tmp_path, caplog):
    add(1)
    add(2)
    file = tmp_path / "models.config"
    model = f"name: 'toy' base_path: '{base}' model_platform: 'tensorflow'"

    def write(policy: str):
        config = f"{model} model_version_policy {{ {policy} }}"
        file.write_text(f"model_config_list {{ config {{ {config} }} }}")

    write("specific { versions: 1 }")
    configs = config.from_proto(config.read_config_file(file))
    client = serve(configs, manager={"config_file": file}).client()
    assert factor(client) == FACTORS[1]
    file.write_text("no config")
    toy.wait_for(lambda: "is not applied" in caplog.text)
    assert factor(client) == FACTORS[1]
    write("latest { num_versions: 1 }")
    toy.wait_for(lambda: factor(client) == FACTORS[2])
