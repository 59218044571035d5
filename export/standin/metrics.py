"""Prometheus metrics of one server."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

import prometheus_client
from prometheus_client.core import GaugeMetricFamily

from export.standin.errors import Code
from export.standin.models import Models
from export.standin.workers import Workers

CONTENT_TYPE = prometheus_client.CONTENT_TYPE_LATEST

# Synthesis takes from milliseconds (one short sentence) to minutes.
_BUCKETS = (
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, float("inf")),
)


class Outcome:
    """How a request ended; OK unless somebody says otherwise."""

    code = Code.OK


class Metrics:
    """Counts what the two services do.

    Args:
        models: Whose versions are shown.
        workers: Whose load is shown.
    """

    def __init__(self, models: Models, workers: Workers) -> None:
        self._models = models
        self._registry = prometheus_client.CollectorRegistry()
        self._requests = prometheus_client.Counter(
            "serving_requests",
            "Answered requests.",
            ("model", "method", "protocol", "status"),
            registry=self._registry,
        )
        self._seconds = prometheus_client.Histogram(
            "serving_request_seconds",
            "From the request's arrival to its answer.",
            ("model", "method", "protocol"),
            buckets=_BUCKETS,
            registry=self._registry,
        )
        self._in_flight = prometheus_client.Gauge(
            "serving_requests_in_flight",
            "Requests that have arrived and have no answer yet.",
            registry=self._registry,
        )
        for name, text, function in (
            ("running", "Requests that run.", lambda: workers.running),
            ("waiting", "Requests that wait to run.", lambda: workers.waiting),
        ):
            gauge = prometheus_client.Gauge(
                f"serving_requests_{name}", text, registry=self._registry
            )
            gauge.set_function(function)
        self._registry.register(self)
        prometheus_client.ProcessCollector(registry=self._registry)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The states of all versions, as prometheus_client asks for them."""
        family = GaugeMetricFamily(
            "serving_model_version_state",
            "As in get_model_status.proto: 30 is AVAILABLE, 50 is END.",
            labels=("model", "version"),
        )
        with self._models.lock:
            for name, model in self._models.known():
                for number, version in sorted(model.versions.items()):
                    family.add_metric((name, str(number)), int(version.state))
        yield family

    @contextlib.contextmanager
    def count(self, model: str, method: str, protocol: str) -> Iterator[Outcome]:
        """Times the block and counts it under the outcome's code."""
        # Anything a client makes up would be a time series for ever.
        model = model if self._models.is_configured(model) else ""
        outcome = Outcome()
        begin = time.perf_counter()
        self._in_flight.inc()
        try:
            yield outcome
        finally:
            self._in_flight.dec()
            seconds = time.perf_counter() - begin
            self._seconds.labels(model, method, protocol).observe(seconds)
            self._requests.labels(model, method, protocol, outcome.code.name).inc()

    def page(self) -> bytes:
        return prometheus_client.generate_latest(self._registry)
