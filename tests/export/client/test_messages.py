"""`serving.proto` against the real messages, tensors against TensorFlow."""

import contextlib
import importlib
import re
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import any_pb2, descriptor_pool
from google.protobuf.descriptor import FieldDescriptor
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
    status_pb2,
)

from export.client import messages
from export.client.transport import DTYPES, STRING

OURS = messages._POOL.FindFileByName("serving.proto")
THEIRS = {
    "TensorProto": tensor_pb2.TensorProto,
    "TensorShapeProto": tf.TensorShape([]).as_proto().__class__,
    "TensorInfo": meta_graph_pb2.TensorInfo,
    "SignatureDef": meta_graph_pb2.SignatureDef,
    "ModelSpec": model_pb2.ModelSpec,
    "PredictRequest": predict_pb2.PredictRequest,
    "PredictResponse": predict_pb2.PredictResponse,
    "GetModelMetadataRequest": get_model_metadata_pb2.GetModelMetadataRequest,
    "GetModelMetadataResponse": get_model_metadata_pb2.GetModelMetadataResponse,
    "SignatureDefMap": get_model_metadata_pb2.SignatureDefMap,
    "GetModelStatusRequest": get_model_status_pb2.GetModelStatusRequest,
    "GetModelStatusResponse": get_model_status_pb2.GetModelStatusResponse,
    "ModelVersionStatus": get_model_status_pb2.ModelVersionStatus,
    "StatusProto": status_pb2.StatusProto,
}
# Fields of type enum travel as int32 do.
AS_INT32 = {FieldDescriptor.TYPE_ENUM: FieldDescriptor.TYPE_INT32}


def wire(field):
    """All of a field that matters on the wire, types of messages by their last name."""
    name = field.message_type and field.message_type.name
    return field.number, field.label, AS_INT32.get(field.type, field.type), name


def check_fields(ours, theirs):
    assert ours.fields
    for field in ours.fields:
        assert wire(field) == wire(theirs.fields_by_name[field.name]), field.full_name
    for nested in ours.nested_types:  # the entries of maps among them
        check_fields(nested, theirs.nested_types_by_name[nested.name])


def test_every_message_is_compared():
    assert set(OURS.message_types_by_name) == set(THEIRS)


@pytest.mark.parametrize("name", THEIRS)
def test_fields_have_the_numbers_and_types_of_the_real_messages(name):
    check_fields(OURS.message_types_by_name[name], THEIRS[name].DESCRIPTOR)


def test_enums_have_the_real_numbers():
    ours = OURS.enum_types_by_name["DataType"].values_by_name
    for name, value in ours.items():
        assert value.number == types_pb2.DataType.Value(name)
    states = messages.ModelVersionStatus.DESCRIPTOR.enum_types_by_name["State"]
    real = get_model_status_pb2.ModelVersionStatus.State
    assert {v.name: v.number for v in states.values} == dict(real.items())


def test_methods_are_the_real_ones():
    """Their paths are what a server knows a method by."""
    # Generated too long ago for this protobuf; the descriptors are read all the same.
    for name in ("prediction_service", "model_service"):
        with contextlib.suppress(AttributeError):
            importlib.import_module(f"tensorflow_serving.apis.{name}_pb2")
    assert len(OURS.services_by_name) == 2
    for ours in OURS.services_by_name.values():
        theirs = descriptor_pool.Default().FindServiceByName(ours.full_name)
        for method in ours.methods:
            real = theirs.methods_by_name[method.name]
            assert method.input_type.full_name == real.input_type.full_name
            assert method.output_type.full_name == real.output_type.full_name


def test_descriptor_is_the_proto_file_compiled():
    path = Path(messages.__file__).with_name("serving.proto")
    source = re.sub(r"//.*", "", path.read_text(encoding="utf-8"))
    source = source[source.index("package") :]  # the descriptor has no syntax
    found = sorted(
        " ".join(line.split()) for line in source.splitlines() if line.strip()
    )
    assert found == sorted(" ".join(line.split()) for line in rendered())


def rendered():
    """Lines of a .proto file with the content of `OURS`."""
    yield f"package {OURS.package};"
    yield from (f'import "{name.name}";' for name in OURS.dependencies)
    for enum in OURS.enum_types_by_name.values():
        yield from rendered_enum(enum)
    for message in OURS.message_types_by_name.values():
        yield from rendered_message(message)
    for service in OURS.services_by_name.values():
        yield f"service {service.name} {{"
        for method in service.methods:
            names = method.name, method.input_type.name, method.output_type.name
            yield "rpc {}({}) returns ({});".format(*names)
        yield "}"


def rendered_enum(enum):
    yield f"enum {enum.name} {{"
    yield from (f"{value.name} = {value.number};" for value in enum.values)
    yield "}"


def rendered_message(message):
    yield f"message {message.name} {{"
    for field in message.fields:
        kind, repeated = type_name(field), field.label == field.LABEL_REPEATED
        if kind.endswith("Entry"):
            key, value = field.message_type.fields
            kind, repeated = f"map<{type_name(key)}, {type_name(value)}>", False
        yield f"{'repeated ' * repeated}{kind} {field.name} = {field.number};"
    for enum in message.enum_types:
        yield from rendered_enum(enum)
    for nested in message.nested_types:
        if not nested.GetOptions().map_entry:
            yield from rendered_message(nested)
    yield "}"


def type_name(field) -> str:
    described = field.message_type or field.enum_type
    if described is None:
        names = vars(FieldDescriptor).items()
        (name,) = (n for n, v in names if n.startswith("TYPE_") and v == field.type)
        return name.removeprefix("TYPE_").lower()
    foreign = described.full_name.startswith("google.")
    return described.full_name if foreign else described.name


def random_array(dtype: np.dtype, shape) -> np.ndarray:
    random = np.random.default_rng(5)
    if dtype == STRING:
        array = np.empty(shape, STRING)
        array.ravel()[:] = [b"%d\xff" % i for i in range(array.size)]
        return array
    return (random.normal(size=shape) * 100).astype(dtype)


@pytest.mark.parametrize("shape", [(2, 3), (1,), (0, 4), ()])
@pytest.mark.parametrize("name", DTYPES)
def test_tensors_are_tensorflows_both_ways(name, shape):
    array = random_array(DTYPES[name], shape)
    ours = messages.to_tensor(array).SerializeToString()
    theirs = tf.make_ndarray(tensor_pb2.TensorProto.FromString(ours))
    assert theirs.dtype == array.dtype
    np.testing.assert_array_equal(theirs, array)

    real = tf.make_tensor_proto(array).SerializeToString()
    back = messages.to_array(messages.TensorProto.FromString(real))
    assert back.dtype == array.dtype and back.shape == shape
    np.testing.assert_array_equal(back, array)


@pytest.mark.parametrize("name", [n for n in DTYPES if n != "DT_STRING"])
def test_values_in_typed_fields_are_read(name):
    array = random_array(DTYPES[name], (3, 2))
    real = tensor_pb2.TensorProto(dtype=types_pb2.DataType.Value(name))
    real.tensor_shape.CopyFrom(tf.TensorShape(array.shape).as_proto())
    fields = ("float_val", "double_val", "int_val", "int64_val", "bool_val")
    kinds = ("DT_FLOAT", "DT_DOUBLE", "DT_INT32", "DT_INT64", "DT_BOOL")
    getattr(real, dict(zip(kinds, fields, strict=True))[name]).extend(
        array.ravel().tolist()
    )
    tensor = messages.TensorProto.FromString(real.SerializeToString())
    np.testing.assert_array_equal(messages.to_array(tensor), array)


def test_last_value_is_repeated_as_tensorflow_does():
    real = tensor_pb2.TensorProto(dtype=types_pb2.DT_FLOAT, float_val=[1, 2])
    real.tensor_shape.CopyFrom(tf.TensorShape([4]).as_proto())
    tensor = messages.TensorProto.FromString(real.SerializeToString())
    np.testing.assert_array_equal(messages.to_array(tensor), tf.make_ndarray(real))


def test_tensors_that_make_no_sense_are_refused():
    with pytest.raises(ValueError, match="float16"):
        messages.to_tensor(np.zeros(1, np.float16))
    with pytest.raises(ValueError, match="type 19"):
        messages.to_array(messages.TensorProto(dtype=19))
    tensor = messages.to_tensor(np.zeros(3, np.int32))
    tensor.tensor_shape.dim[0].size = 2
    with pytest.raises(ValueError, match="3 values"):
        messages.to_array(tensor)


def test_packed_signatures_are_read():
    theirs = get_model_metadata_pb2.SignatureDefMap()
    theirs.signature_def["wav"].inputs["text"].dtype = types_pb2.DT_STRING
    packed = any_pb2.Any()
    packed.Pack(theirs)
    ours = messages.SignatureDefMap.FromString(packed.value)
    assert ours.signature_def["wav"].inputs["text"].dtype == 7
