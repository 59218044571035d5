"""The deployment files: they parse, agree with each other, and use flags that exist."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml
from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
    text_format,
    wrappers_pb2,
)
from tensorflow_serving.config import model_server_config_pb2

from tests.export.client import fakes

FOLDER = Path(__file__).resolve().parents[3] / "export" / "serving"
IMAGE = "tensorflow/serving:2.16.1"

# Of tensorflow_model_server 2.16, as SERVING.md names them, with patterns of values.
BOOL, INT, PATH = r"true|false", r"\d+", r"/[\w./-]+"
FLAGS = {
    "port": INT,
    "grpc_socket_path": PATH,
    "rest_api_port": INT,
    "model_name": r"\w+",
    "model_base_path": PATH,
    "model_config_file": PATH,
    "model_config_file_poll_wait_seconds": INT,
    "enable_grpc_healthcheck_service": BOOL,
    "monitoring_config_file": PATH,
    "rest_api_enable_cors_support": BOOL,
    "rest_api_timeout_in_ms": INT,
    "rest_api_num_threads": INT,
    "grpc_max_threads": INT,
    "tensorflow_session_parallelism": INT,
    "tensorflow_intra_op_parallelism": INT,
    "tensorflow_inter_op_parallelism": INT,
    "tensorflow_session_config_file": PATH,
    "mixed_precision": r"bfloat16",
    "xla_cpu_compilation_enabled": BOOL,
    "saved_model_tags": r"\w+",
    "enable_signature_method_name_check": BOOL,
    "file_system_poll_wait_seconds": INT,
    "max_num_load_retries": INT,
    "load_retry_interval_micros": INT,
    "num_load_threads": INT,
    "allow_version_labels_for_unavailable_models": BOOL,
    "enable_batching": BOOL,
    "batching_parameters_file": PATH,
    "enable_per_model_batching_parameters": BOOL,
}


def load(name: str) -> list[dict]:
    with open(FOLDER / name, encoding="utf-8") as file:
        return list(yaml.safe_load_all(file))


def composed(name: str) -> dict:
    (document,) = load(name)
    return document["services"]["serving"]


def kubernetes() -> tuple[dict, dict]:
    """The pod's specification, and the Service."""
    deployment, service = load("kubernetes.yaml")
    assert (deployment["kind"], service["kind"]) == ("Deployment", "Service")
    return deployment["spec"]["template"]["spec"], service["spec"]


def parsed(arguments: list[str]) -> dict[str, str]:
    flags = {}
    for argument in arguments:
        name, value = re.fullmatch(r"--(\w+)=(.+)", argument).groups()
        assert name not in flags, f"{name} comes twice"
        flags[name] = value
    return flags


def every_flags() -> dict[str, dict[str, str]]:
    pod, _ = kubernetes()
    return {
        "compose": parsed(composed("docker-compose.yml")["command"]),
        "batching": parsed(composed("docker-compose.batching.yml")["command"]),
        "kubernetes": parsed(pod["containers"][0]["args"]),
    }


@pytest.mark.parametrize("file", ["compose", "batching", "kubernetes"])
def test_flags_exist_and_have_values_of_their_type(file):
    flags = every_flags()[file]
    assert "rest_api_timeout_in_ms" in flags
    for name, value in flags.items():
        assert name in FLAGS, f"tensorflow_model_server 2.16 has no --{name}"
        assert re.fullmatch(FLAGS[name], value), (name, value)


def test_flags_in_texts_exist_too():
    known = {*FLAGS, "ssl_config_file"}
    for path in FOLDER.iterdir():
        text = path.read_text(encoding="utf-8")
        for name in re.findall(r"--([a-z]+_[a-z_]*[a-z])\b", text):
            assert name in known, f"{path.name}: --{name}"


def test_three_parallelism_flags_are_never_together():
    """The server refuses to start with all of them."""
    for flags in every_flags().values():
        assert "tensorflow_session_parallelism" not in flags


def test_batching_only_adds_its_flags():
    flags = every_flags()
    added = flags["batching"].keys() - flags["compose"].keys()
    assert added == {"enable_batching", "batching_parameters_file"}
    common = {k: flags["batching"][k] for k in flags["compose"]}
    assert common == flags["compose"]


def test_compose_files_mount_what_the_flags_name():
    mounts = []
    for name in ("docker-compose.yml", "docker-compose.batching.yml"):
        service = composed(name)
        mounts += service["volumes"]
    inside = {}
    for mount in mounts:
        outside, target, mode = re.fullmatch(r"(.+):(/[^:]+):(ro)", mount).groups()
        assert mode == "ro"
        inside[target] = outside
    for flags in (every_flags()["compose"], every_flags()["batching"]):
        for name, value in flags.items():
            if name.endswith("_file"):
                assert (FOLDER / inside[value]).is_file()
    assert "/models" in inside


def test_compose_publishes_the_servers_ports_on_this_machine_only():
    service = composed("docker-compose.yml")
    assert service["image"] == IMAGE
    flags = every_flags()["compose"]
    ports = {flags["port"], flags["rest_api_port"]}
    assert set(service["ports"]) == {f"127.0.0.1:{p}:{p}" for p in ports}


def test_cores_of_the_server_are_those_of_its_limit():
    pod, _ = kubernetes()
    limits = (
        composed("docker-compose.yml")["deploy"]["resources"]["limits"]["cpus"],
        pod["containers"][0]["resources"]["limits"]["cpu"],
    )
    flags = every_flags()
    for limit, name in zip(limits, ("compose", "kubernetes"), strict=True):
        assert flags[name]["tensorflow_intra_op_parallelism"] == limit


@pytest.fixture(params=["loaded", "not loaded", "another server", "no server"])
def rest_port(request):
    """A port, and whether a healthy server listens there."""
    name = "slt" if request.param in ("loaded", "no server") else "gone"
    with fakes.rest_server(fakes.FakeModel(name=name)) as address:
        port = address.partition(":")[2]
        if request.param != "no server":
            yield port, request.param == "loaded"
    if request.param == "no server":
        yield port, False


def test_health_check_of_compose_tells_a_loaded_model_from_others(rest_port):
    port, healthy = rest_port
    kind, *command = composed("docker-compose.yml")["healthcheck"]["test"]
    assert kind == "CMD"
    assert "/8501 " in command[-1]
    script = command[-1].replace("/8501 ", f"/{port} ").replace("$$", "$")
    result = subprocess.run([*command[:-1], script], capture_output=True, timeout=20)
    assert (result.returncode == 0) == healthy, result.stderr


def models_config() -> model_server_config_pb2.ModelServerConfig:
    text = (FOLDER / "models.config").read_text(encoding="utf-8")
    return text_format.Parse(text, model_server_config_pb2.ModelServerConfig())


def test_models_config_is_one():
    (config,) = models_config().model_config_list.config
    assert config.model_platform == "tensorflow"
    assert config.base_path == f"/models/{config.name}"
    assert set(config.version_labels) == {"stable", "canary"}
    served = set(config.model_version_policy.specific.versions)
    assert set(config.version_labels.values()) == served


def test_labels_may_name_versions_that_are_not_loaded_yet():
    for flags in every_flags().values():
        assert flags["allow_version_labels_for_unavailable_models"] == "true"


def described(name: str, file: descriptor_pb2.FileDescriptorProto):
    """Message class of a file in a pool of its own."""
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(name))


def batching_parameters():
    """tensorflow_serving/servables/tensorflow/session_bundle_config.proto, which is not
    in tensorflow-serving-api."""
    file = descriptor_pb2.FileDescriptorProto(
        name="batching.proto",
        syntax="proto3",
        dependency=["google/protobuf/wrappers.proto"],
    )
    message = file.message_type.add(name="BatchingParameters")
    kinds = descriptor_pb2.FieldDescriptorProto
    sizes = ("max_batch_size", "batch_timeout_micros", "max_enqueued_batches")
    for number, field in enumerate((*sizes, "num_batch_threads"), start=1):
        message.field.add(
            name=field,
            number=number,
            label=kinds.LABEL_OPTIONAL,
            type=kinds.TYPE_MESSAGE,
            type_name=".google.protobuf.Int64Value",
        )
    message.field.add(
        name="allowed_batch_sizes",
        number=6,
        label=kinds.LABEL_REPEATED,
        type=kinds.TYPE_INT64,
    )
    message.field.add(
        name="pad_variable_length_inputs",
        number=7,
        label=kinds.LABEL_OPTIONAL,
        type=kinds.TYPE_BOOL,
    )
    return described("BatchingParameters", file)()


def test_batching_config_follows_the_servers_rules():
    text = (FOLDER / "batching.config").read_text(encoding="utf-8")
    config = text_format.Parse(text, batching_parameters())
    sizes = list(config.allowed_batch_sizes)
    assert sizes == sorted(set(sizes))
    assert sizes[-1] == config.max_batch_size.value
    assert config.num_batch_threads.value >= 1
    assert config.pad_variable_length_inputs
    # Small next to the synthesis of a sentence.
    assert 0 < config.batch_timeout_micros.value <= 50_000


def test_monitoring_config_has_the_address_that_is_scraped():
    """tensorflow_serving/config/monitoring_config.proto, not in the package either."""
    file = descriptor_pb2.FileDescriptorProto(name="monitoring.proto", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto
    prometheus = file.message_type.add(name="PrometheusConfig")
    optional = {"label": kinds.LABEL_OPTIONAL}
    prometheus.field.add(name="enable", number=1, type=kinds.TYPE_BOOL, **optional)
    prometheus.field.add(name="path", number=2, type=kinds.TYPE_STRING, **optional)
    file.message_type.add(name="MonitoringConfig").field.add(
        name="prometheus_config",
        number=1,
        type=kinds.TYPE_MESSAGE,
        type_name=".PrometheusConfig",
        **optional,
    )
    text = (FOLDER / "monitoring.config").read_text(encoding="utf-8")
    config = text_format.Parse(text, described("MonitoringConfig", file)())
    assert config.prometheus_config.enable
    (scrape,) = load("prometheus.yml")[0]["scrape_configs"]
    assert scrape["metrics_path"] == config.prometheus_config.path
    pod = load("kubernetes.yaml")[0]["spec"]["template"]
    annotation = pod["metadata"]["annotations"]["prometheus.io/path"]
    assert annotation == config.prometheus_config.path
    rest_port = every_flags()["compose"]["rest_api_port"]
    assert scrape["static_configs"][0]["targets"] == [f"localhost:{rest_port}"]


def test_kubernetes_parts_belong_together():
    pod, service = kubernetes()
    deployment = load("kubernetes.yaml")[0]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert deployment["spec"]["selector"]["matchLabels"] == labels
    assert service["selector"] == labels
    (container,) = pod["containers"]
    assert container["image"] == IMAGE
    ports = {port["name"]: port["containerPort"] for port in container["ports"]}
    flags = every_flags()["kubernetes"]
    assert ports == {"grpc": int(flags["port"]), "rest": int(flags["rest_api_port"])}
    assert {(p["port"], p["targetPort"]) for p in service["ports"]} == {
        (ports[name], name) for name in ports
    }
    volumes = {volume["name"] for volume in pod["volumes"]}
    for part in (container, *pod["initContainers"]):
        assert {mount["name"] for mount in part["volumeMounts"]} <= volumes


def test_kubernetes_probes_ask_for_the_model():
    pod, _ = kubernetes()
    (container,) = pod["containers"]
    (config,) = models_config().model_config_list.config
    names = {port["name"] for port in container["ports"]}
    for name in ("startupProbe", "readinessProbe"):
        get = container[name]["httpGet"]
        assert get["path"] == f"/v1/models/{config.name}/metadata"
        assert get["port"] in names
    assert container["livenessProbe"]["tcpSocket"]["port"] in names
    sleep = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
    assert sleep < pod["terminationGracePeriodSeconds"]


def test_kustomization_brings_the_files_where_the_flags_look():
    (kustomization,) = load("kustomization.yaml")
    assert all((FOLDER / name).is_file() for name in kustomization["resources"])
    (generated,) = kustomization["configMapGenerator"]
    pod, _ = kubernetes()
    (config,) = (v for v in pod["volumes"] if v["name"] == "config")
    assert config["configMap"]["name"] == generated["name"]
    (mount,) = (
        mount["mountPath"]
        for mount in pod["containers"][0]["volumeMounts"]
        if mount["name"] == "config"
    )
    named = {
        value
        for name, value in every_flags()["kubernetes"].items()
        if name.endswith("_file")
    }
    assert named == {f"{mount}/{name}" for name in generated["files"]}
    assert all((FOLDER / name).is_file() for name in generated["files"])


def test_readme_names_every_file():
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    for path in FOLDER.iterdir():
        assert path.name == "README.md" or f"`{path.name}`" in readme
    assert "Not run here" in readme
