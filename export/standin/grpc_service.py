"""PredictionService and ModelService over gRPC."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Awaitable, Callable
from typing import ClassVar

import grpc
from google.protobuf.message import DecodeError
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
    model_service_pb2_grpc,
    predict_pb2,
    prediction_service_pb2_grpc,
    regression_pb2,
)

from export.standin import config, inference, information
from export.standin.errors import Code, ServingError, invalid
from export.standin.manager import Manager
from export.standin.metrics import Metrics
from export.standin.models import Models
from export.standin.workers import Workers, in_background

logger = logging.getLogger(__name__)

_MAX_MESSAGE = 1024
_NO_MESSAGE = object()
_CODES = {code.value[0]: code for code in grpc.StatusCode}


class PredictionService(prediction_service_pb2_grpc.PredictionServiceServicer):
    """Runs models.

    Args:
        models: The loaded versions.
        workers: What runs them.
        metrics: What counts them.
        max_input_bytes: Of the tensors of a Predict request, in memory.
    """

    METHODS: ClassVar[dict[str, type]] = {
        "Predict": predict_pb2.PredictRequest,
        "Classify": classification_pb2.ClassificationRequest,
        "Regress": regression_pb2.RegressionRequest,
        "MultiInference": inference_pb2.MultiInferenceRequest,
        "GetModelMetadata": get_model_metadata_pb2.GetModelMetadataRequest,
    }

    def __init__(
        self,
        models: Models,
        workers: Workers,
        metrics: Metrics,
        max_input_bytes: int | None = None,
    ) -> None:
        self._models = models
        self._workers = workers
        self._metrics = metrics
        self._predict = functools.partial(
            inference.predict, max_input_bytes=max_input_bytes
        )

    async def Predict(
        self, request: predict_pb2.PredictRequest, context: grpc.aio.ServicerContext
    ) -> predict_pb2.PredictResponse:
        return await self._run(self._predict, request, "Predict", context)

    async def Classify(
        self,
        request: classification_pb2.ClassificationRequest,
        context: grpc.aio.ServicerContext,
    ) -> classification_pb2.ClassificationResponse:
        return await self._run(inference.classify, request, "Classify", context)

    async def Regress(
        self,
        request: regression_pb2.RegressionRequest,
        context: grpc.aio.ServicerContext,
    ) -> regression_pb2.RegressionResponse:
        return await self._run(inference.regress, request, "Regress", context)

    async def MultiInference(
        self,
        request: inference_pb2.MultiInferenceRequest,
        context: grpc.aio.ServicerContext,
    ) -> inference_pb2.MultiInferenceResponse:
        return await self._run(
            inference.multi_inference, request, "MultiInference", context
        )

    async def GetModelMetadata(
        self,
        request: get_model_metadata_pb2.GetModelMetadataRequest,
        context: grpc.aio.ServicerContext,
    ) -> get_model_metadata_pb2.GetModelMetadataResponse:
        async def answer():
            _check_spec(request)
            return information.metadata(self._models, request)

        name = request.model_spec.name
        return await _answer(self._metrics, name, "GetModelMetadata", context, answer)

    async def _run(
        self,
        function: Callable,
        request,
        method: str,
        context: grpc.aio.ServicerContext,
    ):
        spec = _spec(request)

        def job(stop):
            with self._models.lend(spec) as servable:
                return function(servable, request, stop)

        async def answer():
            if method != "MultiInference":
                _check_spec(request)
            return await self._workers.run(job, context.time_remaining())

        return await _answer(self._metrics, spec.name, method, context, answer)


class ModelService(model_service_pb2_grpc.ModelServiceServicer):
    """Tells and changes what is served.

    Args:
        models: All versions.
        manager: What loads them.
        metrics: What counts requests.
        any_label_version: As of `Models.configure`.
    """

    METHODS: ClassVar[dict[str, type]] = {
        "GetModelStatus": get_model_status_pb2.GetModelStatusRequest,
        "HandleReloadConfigRequest": model_management_pb2.ReloadConfigRequest,
    }

    def __init__(
        self,
        models: Models,
        manager: Manager,
        metrics: Metrics,
        any_label_version: bool = False,
    ) -> None:
        self._models = models
        self._manager = manager
        self._metrics = metrics
        self._any_label_version = any_label_version

    async def GetModelStatus(
        self,
        request: get_model_status_pb2.GetModelStatusRequest,
        context: grpc.aio.ServicerContext,
    ) -> get_model_status_pb2.GetModelStatusResponse:
        async def answer():
            _check_spec(request)
            return information.status(self._models, request.model_spec)

        name = request.model_spec.name
        return await _answer(self._metrics, name, "GetModelStatus", context, answer)

    async def HandleReloadConfigRequest(
        self,
        request: model_management_pb2.ReloadConfigRequest,
        context: grpc.aio.ServicerContext,
    ) -> model_management_pb2.ReloadConfigResponse:
        async def answer():
            if request.config.WhichOneof("config") != "model_config_list":
                raise invalid(
                    "ServerModelConfig type not supported by HandleReloadConfigRequest."
                    " Only ModelConfigList is currently supported"
                )
            configs = config.from_proto(request.config)
            # Loads models: not in the event loop, and not in a request's slot.
            await in_background(
                self._manager.reconfigure, configs, self._any_label_version
            )
            response = model_management_pb2.ReloadConfigResponse()
            response.status.SetInParent()
            return response

        method = "HandleReloadConfigRequest"
        return await _answer(self._metrics, "", method, context, answer)


def add_to_server(
    server: grpc.aio.Server,
    prediction: PredictionService,
    model: ModelService,
) -> None:
    """Registers both services.

    Other than the generated functions, what is no message is an INVALID_ARGUMENT, not
    an exception within grpc.
    """
    for service, servicer in (
        ("tensorflow.serving.PredictionService", prediction),
        ("tensorflow.serving.ModelService", model),
    ):
        handlers = {
            method: grpc.unary_unary_rpc_method_handler(
                _refusing_no_message(getattr(servicer, method)),
                request_deserializer=_reader(message_class),
                response_serializer=lambda response: response.SerializeToString(),
            )
            for method, message_class in servicer.METHODS.items()
        }
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(service, handlers)]
        )


def _reader(message_class: type) -> Callable:
    def read(content: bytes):
        try:
            return message_class.FromString(content)
        except DecodeError:
            return _NO_MESSAGE

    return read


def _refusing_no_message(method: Callable) -> Callable:
    async def handle(request, context: grpc.aio.ServicerContext):
        if request is _NO_MESSAGE:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, "The request does not parse"
            )
        return await method(request, context)

    return handle


def _spec(request) -> model_pb2.ModelSpec:
    if isinstance(request, inference_pb2.MultiInferenceRequest):
        return request.tasks[0].model_spec if request.tasks else model_pb2.ModelSpec()
    return request.model_spec


def _check_spec(request) -> None:
    if not request.HasField("model_spec"):
        raise invalid("Missing ModelSpec")


async def _answer(
    metrics: Metrics,
    model: str,
    method: str,
    context: grpc.aio.ServicerContext,
    answer: Callable[[], Awaitable],
):
    """The answer, or the request's end with a status."""
    with metrics.count(model, method, "grpc") as outcome:
        try:
            return await answer()
        except asyncio.CancelledError:  # the client has gone, or its deadline
            outcome.code = Code.CANCELLED
            raise
        except ServingError as raised:
            error = raised.with_traceback(None)  # its frames hold the request
        except Exception as raised:
            logger.exception("%s failed", method)
            error = ServingError(Code.INTERNAL, f"{type(raised).__name__}: {raised}")
        outcome.code = error.code
        message = error.message
        if len(message) > _MAX_MESSAGE:
            message = f"{message[:_MAX_MESSAGE]}...TRUNCATED"
        # A status must be UTF-8; a text that came in as bytes may hold surrogates.
        message = message.encode("utf-8", "replace").decode("utf-8")
        await context.abort(_CODES[int(error.code)], message)
