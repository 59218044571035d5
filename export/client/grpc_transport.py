"""gRPC: TensorFlow Serving's PredictionService and ModelService."""

from __future__ import annotations

from collections.abc import Mapping

import grpc
import numpy as np

from export.client import messages
from export.client.errors import ServerError
from export.client.transport import Connection, Model, Signature, Version

_PREDICTION = "/tensorflow.serving.PredictionService"
_MODEL = "/tensorflow.serving.ModelService"
_OPTIONS = (
    # A Python client takes answers up to 4 MiB only, 47 s of sound.
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    # gRPC refuses at once while it waits to connect again. With its own waits, of up
    # to two minutes, our later attempts would never reach a server that is back.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)


class GrpcTransport:
    """See `Transport`."""

    def __init__(self, connection: Connection):
        self._connection = connection
        if connection.tls:
            trusted = connection.ca_file and connection.ca_file.read_bytes()
            credentials = grpc.ssl_channel_credentials(root_certificates=trusted)
            self._channel = grpc.secure_channel(
                connection.server, credentials, options=_OPTIONS
            )
        else:
            self._channel = grpc.insecure_channel(connection.server, options=_OPTIONS)
        self._predict = self._method(_PREDICTION, "Predict")
        self._metadata = self._method(_PREDICTION, "GetModelMetadata")
        self._status = self._method(_MODEL, "GetModelStatus")

    def _method(self, service: str, name: str):
        return self._channel.unary_unary(
            f"{service}/{name}",
            request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=getattr(messages, f"{name}Response").FromString,
        )

    def _call(self, method, request):
        def attempt():
            try:
                return method(request, timeout=self._connection.timeout_seconds)
            except grpc.RpcError as error:
                details = error.details() or "no further explanation"
                raise ServerError(error.code().name, details) from None

        return self._connection.retries.run(attempt)

    def _spec(self, version: Version, signature: str = "") -> messages.ModelSpec:
        spec = messages.ModelSpec(
            name=self._connection.model,
            signature_name=signature,
            version_label=version.label or "",
        )
        if version.number is not None:
            spec.version.value = version.number
        return spec

    def describe(self, version: Version) -> Model:
        answer = self._call(
            self._metadata,
            messages.GetModelMetadataRequest(
                model_spec=self._spec(version), metadata_field=["signature_def"]
            ),
        )
        packed = answer.metadata["signature_def"].value
        found = messages.SignatureDefMap.FromString(packed).signature_def
        return Model(
            answer.model_spec.version.value
            if answer.model_spec.HasField("version")
            else None,
            {
                name: Signature(_types(signature.inputs), _types(signature.outputs))
                for name, signature in found.items()
            },
        )

    def status(self) -> list[tuple[int, str, str]]:
        request = messages.GetModelStatusRequest(model_spec=self._spec(Version()))
        state_name = messages.ModelVersionStatus.State.Name
        return [
            (item.version, state_name(item.state), item.status.error_message)
            for item in self._call(self._status, request).model_version_status
        ]

    def predict(
        self,
        signature: str,
        inputs: Mapping[str, np.ndarray],
        outputs: Mapping[str, str],
        version: Version,
    ) -> dict[str, np.ndarray]:
        request = messages.PredictRequest(
            model_spec=self._spec(version, signature), output_filter=list(outputs)
        )
        for name, array in inputs.items():
            request.inputs[name].CopyFrom(messages.to_tensor(array))
        answer = self._call(self._predict, request)
        arrays = {}
        for name, expected in outputs.items():
            if name not in answer.outputs:
                raise ServerError("INTERNAL", f"the answer has no output {name!r}")
            tensor = answer.outputs[name]
            if (received := messages.data_type_name(tensor.dtype)) != expected:
                raise ServerError(
                    "INTERNAL", f"output {name!r} is {received}, not {expected}"
                )
            try:
                arrays[name] = messages.to_array(tensor)
            except ValueError as error:
                raise ServerError("INTERNAL", f"output {name!r}: {error}") from None
        return arrays

    def close(self) -> None:
        """Also cancels what is under way."""
        self._channel.close()


def _types(tensors) -> dict[str, str]:
    return {name: messages.data_type_name(info.dtype) for name, info in tensors.items()}
