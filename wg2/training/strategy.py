"""Which devices train: `--strategy` and TF_CONFIG to a tf.distribute strategy."""

from __future__ import annotations

import json
import logging
import os
import signal

import tensorflow as tf

from wg2.data.pipeline import WorkerRows

logger = logging.getLogger(__name__)

STRATEGIES = ("auto", "one", "mirrored", "multi-worker", "tpu")
_JOBS = ("chief", "worker")


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
    if tpu and name != "tpu":
        raise ValueError(f"--tpu {tpu} needs --strategy tpu. Received: {name}")
    cluster = _cluster() if name in ("auto", "multi-worker") else {}
    if name == "auto":
        if cluster:
            name = "multi-worker"
        else:
            several = len(tf.config.list_physical_devices("GPU")) > 1
            name = "mirrored" if several else "one"
    if name == "multi-worker":
        if not cluster:
            raise ValueError(
                "--strategy multi-worker needs the environment variable TF_CONFIG with "
                'a cluster, as in {"cluster": {"worker": ["host1:port", "host2:port"]},'
                ' "task": {"type": "worker", "index": 0}}'
            )
        return _connect_workers(cluster)
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
    """The cluster of TF_CONFIG, checked; empty if there is none."""
    text = os.environ.get("TF_CONFIG", "")
    try:
        values = json.loads(text or "{}")
        cluster, task = values.get("cluster", {}), values.get("task", {})
        if not cluster:
            return {}
        jobs = {job: list(hosts) for job, hosts in cluster.items()}
        hosts = jobs[task["type"]]
        known = 0 <= int(task["index"]) < len(hosts) and task["type"] in _JOBS
    except (ValueError, AttributeError, KeyError, TypeError):
        known = False
    if not known or not all(":" in host for job in jobs.values() for host in job):
        raise ValueError(
            "TF_CONFIG must be JSON with a cluster of chief and workers (host:port "
            f"each) and the task of this process. Received: TF_CONFIG={text[:200]}"
        )
    return cluster


def _connect_workers(cluster: dict) -> tf.distribute.Strategy:
    """MultiWorkerMirroredStrategy, once all workers are there."""
    hosts = ", ".join(host for job in cluster.values() for host in job)
    logger.info("waiting for all workers of TF_CONFIG (%s), up to an hour", hosts)
    # TensorFlow waits without letting Python see signals: let Ctrl-C end the process.
    interrupt = signal.signal(signal.SIGINT, signal.SIG_DFL)
    terminate = signal.getsignal(signal.SIGTERM)
    try:
        return tf.distribute.MultiWorkerMirroredStrategy()
    except tf.errors.OpError as error:
        reason = " ".join(error.message.split())[:200]
        raise ValueError(
            f"the workers of TF_CONFIG ({hosts}) could not all connect: {reason}"
        ) from None
    finally:
        signal.signal(signal.SIGINT, interrupt)
        signal.signal(signal.SIGTERM, terminate)  # TensorFlow took it for itself


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
        for job in _JOBS
        if job in spec.jobs
        for index in range(spec.num_tasks(job))
    ]
    local = total // len(tasks)
    index = tasks.index((resolver.task_type, resolver.task_id))
    return WorkerRows(total, index * local, local)
