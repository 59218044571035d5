"""Which devices train: `--strategy` and TF_CONFIG to a tf.distribute strategy."""

from __future__ import annotations

import json
import os

import tensorflow as tf

from wg2.data.pipeline import WorkerRows

STRATEGIES = ("auto", "one", "mirrored", "multi-worker", "tpu")


def make_strategy(name: str = "auto", tpu: str = "") -> tf.distribute.Strategy:
    """The strategy of that name. Call it before anything else uses TensorFlow:
    collective operations must be set up first.

    - "auto": multi-worker if TF_CONFIG names a cluster, mirrored if there are several
      GPUs, one device otherwise;
    - "one": the first GPU, or the CPU;
    - "mirrored": all local GPUs, or all logical CPUs;
    - "multi-worker": MultiWorkerMirroredStrategy from TF_CONFIG;
    - "tpu": TPUStrategy on `tpu` (name or address; empty: the local TPU).

    Raises:
        ValueError: Unknown name, or what it needs is not there.
    """
    if name not in STRATEGIES:
        raise ValueError(
            f"Unknown strategy {name!r}. Expected one of: {', '.join(STRATEGIES)}"
        )
    has_cluster = bool(_cluster().get("worker"))
    if name == "auto":
        if has_cluster:
            name = "multi-worker"
        else:
            several = len(tf.config.list_physical_devices("GPU")) > 1
            name = "mirrored" if several else "one"
    if name == "multi-worker":
        if not has_cluster:
            raise ValueError(
                "--strategy multi-worker needs the environment variable TF_CONFIG with "
                'a cluster, as in {"cluster": {"worker": ["host1:port", "host2:port"]},'
                ' "task": {"type": "worker", "index": 0}}'
            )
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "tpu":
        try:
            resolver = tf.distribute.cluster_resolver.TPUClusterResolver(tpu=tpu)
            tf.config.experimental_connect_to_cluster(resolver)
            tf.tpu.experimental.initialize_tpu_system(resolver)
        except (ValueError, tf.errors.OpError, OSError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(
                f"--strategy tpu: no TPU could be reached ({reason})"
            ) from None
        return tf.distribute.TPUStrategy(resolver)
    gpus = tf.config.list_logical_devices("GPU")
    if name == "mirrored":
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.OneDeviceStrategy(gpus[0].name if gpus else "/cpu:0")


def _cluster() -> dict:
    text = os.environ.get("TF_CONFIG", "")
    if not text:
        return {}
    try:
        return json.loads(text).get("cluster", {})
    except (ValueError, AttributeError):
        raise ValueError(f"TF_CONFIG is not valid JSON: {text[:200]}") from None


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process writes checkpoints and logs."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.task_type:
        return True
    return resolver.task_type == "chief" or (
        resolver.task_type == "worker"
        and resolver.task_id == 0
        and "chief" not in resolver.cluster_spec().jobs
    )


def worker_rows(strategy: tf.distribute.Strategy) -> WorkerRows:
    """The share of this process in every global batch."""
    total = strategy.num_replicas_in_sync
    resolver = strategy.cluster_resolver
    multi_worker = isinstance(strategy, tf.distribute.MultiWorkerMirroredStrategy)
    if not multi_worker or resolver is None or not resolver.task_type:
        return WorkerRows(total, 0, total)
    spec = resolver.cluster_spec()
    tasks = [
        (job, index)
        for job in ("chief", "worker")
        if job in spec.jobs
        for index in range(spec.num_tasks(job))
    ]
    local = total // len(tasks)
    index = tasks.index((resolver.task_type, resolver.task_id))
    return WorkerRows(total, index * local, local)
