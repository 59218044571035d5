"""What is served: GetModelStatus and GetModelMetadata, as protos and as JSON."""

from __future__ import annotations

import json

from google.protobuf import json_format
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
)

from export.standin.errors import Code, ServingError, invalid
from export.standin.models import Models
from export.standin.servable import Servable

_FIELD = "signature_def"


def status(
    models: Models, spec: model_pb2.ModelSpec
) -> get_model_status_pb2.GetModelStatusResponse:
    """States of one version, or of all, the newest first; a label is ignored.

    Raises:
        ServingError: NOT_FOUND.
    """
    response = get_model_status_pb2.GetModelStatusResponse()
    one = spec.version.value if spec.HasField("version") else None
    with models.lock:
        model = dict(models.known()).get(spec.name)
        versions = model.versions if model else {}
        for number in sorted(versions, reverse=True):
            if one in (None, number):
                version = versions[number]
                entry = response.model_version_status.add(
                    version=number, state=int(version.state)
                )
                entry.status.SetInParent()
                if version.error is not None:
                    entry.status.error_code = int(version.error.code)
                    entry.status.error_message = version.error.message
    if not response.model_version_status:
        what = "any versions" if one is None else f"version {one}"
        raise ServingError(
            Code.NOT_FOUND, f"Could not find {what} of model {spec.name}"
        )
    return response


def signatures(servable: Servable) -> get_model_metadata_pb2.SignatureDefMap:
    result = get_model_metadata_pb2.SignatureDefMap()
    for name, signature in servable.signatures.items():
        result.signature_def[name].CopyFrom(signature.definition)
    return result


def metadata(
    models: Models, request: get_model_metadata_pb2.GetModelMetadataRequest
) -> get_model_metadata_pb2.GetModelMetadataResponse:
    """The signatures of a version.

    Raises:
        ServingError: No such version, or another field than `signature_def`.
    """
    if not request.metadata_field:
        raise invalid(
            "GetModelMetadataRequest must specify at least one metadata_field"
        )
    for field in request.metadata_field:
        if field != _FIELD:
            raise invalid(f"Metadata field {field} is not supported")
    response = get_model_metadata_pb2.GetModelMetadataResponse()
    with models.lend(request.model_spec) as servable:
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = servable.version
        response.metadata[_FIELD].Pack(signatures(servable))
    return response


def status_json(models: Models, spec: model_pb2.ModelSpec) -> bytes:
    return _json(_plain(status(models, spec)))


def metadata_json(models: Models, spec: model_pb2.ModelSpec) -> bytes:
    with models.lend(spec) as servable:
        answer = model_pb2.ModelSpec(name=spec.name)
        answer.version.value = servable.version
        return _json(
            {
                "model_spec": _plain(answer),
                "metadata": {_FIELD: _plain(signatures(servable))},
            }
        )


def _plain(message) -> dict:
    return json_format.MessageToDict(
        message, including_default_value_fields=True, preserving_proto_field_name=True
    )


def _json(value: dict) -> bytes:
    return json.dumps(value, indent=1).encode() + b"\n"
