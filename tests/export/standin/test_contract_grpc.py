"""The gRPC rules of SERVING.md: codes, texts, and what an answer looks like."""

from __future__ import annotations

import threading

import grpc
import numpy as np
import pytest
import tensorflow as tf
from google.protobuf import text_format
from tensorflow.core.framework import tensor_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from export.standin import tensors
from tests.export.standin import toy
from tests.export.standin.toy import floats, request

Code = grpc.StatusCode


def fails(call, *arguments, **options) -> tuple[Code, str]:
    with pytest.raises(grpc.RpcError) as caught:
        call(*arguments, **({"timeout": toy.START_SECONDS} | options))
    return caught.value.code(), caught.value.details()


def ints(*values: int) -> tf.Tensor:
    return tf.constant(values, tf.int32)


def spec(text: str) -> predict_pb2.PredictRequest:
    """A request to the signature "times" with another model_spec."""
    result = request(x=floats(1))
    result.model_spec.CopyFrom(text_format.Parse(text, model_pb2.ModelSpec()))
    return result


def without_spec() -> predict_pb2.PredictRequest:
    result = request(x=floats(1))
    result.ClearField("model_spec")
    return result


def filtered(*names: str) -> predict_pb2.PredictRequest:
    result = request("two", a=floats(1), b=ints(1))
    result.output_filter.extend(names)
    return result


def damaged() -> tf.compat.v1.TensorInfo:
    proto = tf.make_tensor_proto([1.0, 2.0])
    proto.tensor_content = b"\0\0\0"
    return proto


TROUBLE = {
    "no model_spec": (without_spec, "INVALID_ARGUMENT", "Missing ModelSpec"),
    "no name": (
        lambda: spec("signature_name: 'x'"),
        "INVALID_ARGUMENT",
        "ModelSpec has no name specified.",
    ),
    "unknown model": (
        lambda: spec("name: 'no'"),
        "NOT_FOUND",
        "Servable not found for request: Latest(no)",
    ),
    "unknown version": (
        lambda: spec("name: 'toy' version { value: 9 }"),
        "NOT_FOUND",
        "Servable not found for request: Specific(toy, 9)",
    ),
    "unknown label": (
        lambda: spec("name: 'toy' version_label: 'no'"),
        "INVALID_ARGUMENT",
        "Unrecognized servable version label: no",
    ),
    "unknown signature": (
        lambda: request("no", x=floats(1)),
        "FAILED_PRECONDITION",
        'Serving signature key "no" not found.',
    ),
    "an input missing": (
        lambda: request("two", a=floats(1)),
        "INVALID_ARGUMENT",
        "input size does not match signature: 1!=2 len({a}) != len({a,b}). "
        "Sent extra: {}. Missing but required: {b}.",
    ),
    "an input more": (
        lambda: request(x=floats(1), z=floats(1)),
        "INVALID_ARGUMENT",
        "input size does not match signature: 2!=1 len({x,z}) != len({x}). "
        "Sent extra: {z}. Missing but required: {}.",
    ),
    "a wrong name": (
        lambda: request(z=floats(1)),
        "INVALID_ARGUMENT",
        "Signature input alias: x(feed name: serving_default_x:0) not found in request "
        "and no default value provided.",
    ),
    "a damaged tensor": (
        lambda: request(x=damaged()),
        "INVALID_ARGUMENT",
        "tensor parsing error: x",
    ),
    "no tensor": (
        lambda: request(x=tf.compat.v1.make_tensor_proto([], tf.float32).__class__()),
        "INVALID_ARGUMENT",
        "tensor parsing error: x",
    ),
    "a wrong dtype": (
        lambda: request(x=tf.constant([1], tf.int64)),
        "INVALID_ARGUMENT",
        "Expects arg[0] to be float but int64 is provided",
    ),
    "a wrong dtype of the second": (
        lambda: request("two", a=floats(1), b=floats(1)),
        "INVALID_ARGUMENT",
        "Expects arg[1] to be int32 but float is provided",
    ),
    "a shape a kernel refuses": (
        lambda: request("product", x=floats(1, 2)),
        "INVALID_ARGUMENT",
        "node",
    ),
    "an assertion": (
        lambda: request("checked", x=floats(-1)),
        "INVALID_ARGUMENT",
        "assertion failed: [x must be above 0]",
    ),
    "an output that is not there": (
        lambda: filtered("no"),
        "INVALID_ARGUMENT",
        "output tensor alias not found in signature: no Outputs expected to be in the "
        "set {next,sum}.",
    ),
    "an output twice": (
        lambda: filtered("sum", "sum"),
        "INVALID_ARGUMENT",
        "duplicate output tensor alias: sum",
    ),
    "what runs at load": (
        lambda: request("__saved_model_init_op"),
        "INVALID_ARGUMENT",
        "is run when the model is loaded",
    ),
}


@pytest.mark.parametrize(("make", "code", "says"), TROUBLE.values(), ids=TROUBLE)
def test_predict_refuses(standin, make, code, says):
    got, details = fails(standin.prediction.Predict, make())
    assert got is Code[code]
    assert says in details


def test_long_messages_are_cut(standin):
    code, details = fails(standin.prediction.Predict, request("x" * 3000))
    assert code is Code.FAILED_PRECONDITION
    whole = f'Serving signature key "{"x" * 3000}" not found.'
    assert details == f"{whole[:1024]}...TRUNCATED"


def test_answer_names_what_ran(standin):
    response = standin.predict(x=floats(1.5))
    assert response.model_spec == text_format.Parse(
        "name: 'toy' version { value: 3 } signature_name: 'serving_default'",
        model_pb2.ModelSpec(),
    )
    assert (
        standin.predict("two", a=floats(1), b=ints(1)).model_spec.signature_name
        == "two"
    )


def test_answers_are_in_typed_fields(standin):
    output = standin.predict(x=floats(1.5, -2)).outputs["y"]
    assert output.tensor_content == b""
    assert list(output.float_val) == [3.0, -4.0]
    assert [dim.size for dim in output.tensor_shape.dim] == [2]


def test_requests_may_use_either_form(standin):
    content = tf.make_tensor_proto([1.0, 2.0])
    assert content.tensor_content
    typed = tf.make_tensor_proto([1.0], shape=[2])  # one value for all
    typed.ClearField("tensor_content")
    typed.float_val[:] = [4.0]
    answers = [standin.predict(x=proto).outputs["y"] for proto in (content, typed)]
    assert [list(answer.float_val) for answer in answers] == [[2, 4], [8, 8]]


def test_all_dtypes_come_back(standin):
    values = {
        dtype.name: tf.constant([b"\xff", b""])
        if dtype == tf.string
        else tf.constant([[0, 1], [1, 0]], dtype)
        if dtype != tf.bool
        else tf.constant([True, False])
        for dtype in toy.DTYPES
    }
    outputs = standin.predict("types", **values).outputs
    for name, value in values.items():
        output = tf.make_ndarray(outputs[f"{name}_out"])
        np.testing.assert_array_equal(output, value.numpy())
        assert outputs[f"{name}_out"].dtype == value.dtype.as_datatype_enum
        assert not outputs[f"{name}_out"].tensor_content


def test_half_and_scalar_outputs_pass_over_grpc(standin):
    half = standin.predict("half", x=floats(0.5)).outputs["y"]
    assert (half.dtype, list(half.half_val)) == (tf.float16.as_datatype_enum, [0x3800])
    total = standin.predict("scalar", x=floats(1, 2)).outputs["total"]
    assert total.HasField("tensor_shape")
    assert (list(total.tensor_shape.dim), list(total.float_val)) == ([], [3.0])


def test_declared_shape_is_not_compared(standin):
    output = standin.predict(x=tf.constant([[1.0], [2.0]])).outputs["y"]
    assert tf.make_ndarray(output).tolist() == [[2.0], [4.0]]


def test_output_filter_answers_with_nothing_else(standin):
    response = standin.prediction.Predict(filtered("next"))
    assert list(response.outputs) == ["next"]


def test_deadline_ends_the_run_and_frees_its_slot(standin):
    code, _ = fails(
        standin.prediction.Predict, request("slow", steps=ints(10**9)), timeout=0.3
    )
    assert code is Code.DEADLINE_EXCEEDED
    toy.wait_for(lambda: standin.metric("serving_requests_running") == 0)


def test_compiled_functions_fail_as_on_a_stock_server(standin):
    compiled = request(model="compiled", x=floats(1))
    code, details = fails(standin.prediction.Predict, compiled)
    assert code is Code.INTERNAL
    assert "XLA compilation disabled" in details


def _metadata(text: str) -> get_model_metadata_pb2.GetModelMetadataRequest:
    return text_format.Parse(text, get_model_metadata_pb2.GetModelMetadataRequest())


def test_metadata(standin):
    response = standin.prediction.GetModelMetadata(
        _metadata("model_spec { name: 'toy' } metadata_field: 'signature_def'")
    )
    assert response.model_spec == text_format.Parse(
        "name: 'toy' version { value: 3 }", model_pb2.ModelSpec()
    )
    found = get_model_metadata_pb2.SignatureDefMap()
    assert response.metadata["signature_def"].Unpack(found)
    assert "serving_default" in found.signature_def


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("metadata_field: 'signature_def'", "INVALID_ARGUMENT"),
        ("model_spec { name: 'toy' }", "INVALID_ARGUMENT"),
        ("model_spec { name: 'toy' } metadata_field: 'x'", "INVALID_ARGUMENT"),
        ("model_spec { name: 'no' } metadata_field: 'signature_def'", "NOT_FOUND"),
    ],
)
def test_metadata_refuses(standin, text, code):
    got, _ = fails(standin.prediction.GetModelMetadata, _metadata(text))
    assert got is Code[code]


def test_status(standin):
    ask = get_model_status_pb2.GetModelStatusRequest()
    ask.model_spec.name = "toy"
    (version,) = standin.model.GetModelStatus(ask).model_version_status
    assert (version.version, version.state) == (3, 30)
    ask.model_spec.version.value = 8
    assert fails(standin.model.GetModelStatus, ask) == (
        Code.NOT_FOUND,
        "Could not find version 8 of model toy",
    )


def test_reload_wants_a_model_config_list(standin):
    code, _ = fails(
        standin.model.HandleReloadConfigRequest,
        model_management_pb2.ReloadConfigRequest(),
    )
    assert code is Code.INVALID_ARGUMENT


def test_classify_and_regress_want_their_method(standin):
    ask = classification_pb2.ClassificationRequest()
    ask.model_spec.name = "toy"
    assert fails(standin.prediction.Classify, ask) == (
        Code.INVALID_ARGUMENT,
        "Expected classification signature method_name to be "
        "tensorflow/serving/classify. Was: tensorflow/serving/predict",
    )


_FEATURE = "features { feature { key: 'x' value { float_list { value: VALUE }}}}"
_EXAMPLES = (f"examples {{ {_FEATURE} }}".replace("VALUE", x) for x in ("0.25", "1.0"))
ROWS = f"example_list {{ {' '.join(_EXAMPLES)} }}"


def test_classify(standin):
    ask = classification_pb2.ClassificationRequest()
    text_format.Parse(f"model_spec {{ name: 'examples' }} input {{ {ROWS} }}", ask)
    result = standin.prediction.Classify(ask).result
    got = [[(c.label, c.score) for c in r.classes] for r in result.classifications]
    assert got == [[("low", 0.75), ("high", 0.25)], [("low", 0.0), ("high", 1.0)]]


def test_regress_takes_shared_features_from_the_context(standin):
    ask = regression_pb2.RegressionRequest()
    ask.model_spec.name, ask.model_spec.signature_name = "examples", "value"
    rows = ask.input.example_list_with_context
    rows.context.features.feature["x"].float_list.value.append(0.5)
    rows.examples.add()
    rows.examples.add()
    values = standin.prediction.Regress(ask).result.regressions
    assert [entry.value for entry in values] == [1.0, 1.0]


def test_regress_without_examples(standin):
    ask = regression_pb2.RegressionRequest()
    ask.model_spec.name, ask.model_spec.signature_name = "examples", "value"
    assert fails(standin.prediction.Regress, ask) == (
        Code.INVALID_ARGUMENT,
        "Input is empty.",
    )


def _tasks(second: str) -> inference_pb2.MultiInferenceRequest:
    classify = (
        "model_spec { name: 'examples' } method_name: 'tensorflow/serving/classify'"
    )
    return text_format.Parse(
        f"tasks {{ {classify} }} tasks {{ {second} }} input {{ {ROWS} }}",
        inference_pb2.MultiInferenceRequest(),
    )


def test_multi_inference(standin):
    regress = (
        "model_spec { name: 'examples' signature_name: 'value' } "
        "method_name: 'tensorflow/serving/regress'"
    )
    first, second = standin.prediction.MultiInference(_tasks(regress)).results
    assert len(first.classification_result.classifications) == 2
    assert [r.value for r in second.regression_result.regressions] == [0.5, 2.0]
    assert second.model_spec.signature_name == "value"


def test_multi_inference_of_another_method(standin):
    predict = (
        "model_spec { name: 'examples' signature_name: 'value' } "
        "method_name: 'tensorflow/serving/predict'"
    )
    assert fails(standin.prediction.MultiInference, _tasks(predict)) == (
        Code.UNIMPLEMENTED,
        "Unsupported signature method_name: tensorflow/serving/predict",
    )


def test_examples_over_rest(standin):
    body = {"context": {"x": 0.25}, "examples": [{}, {"name": ["a", {"b64": "YQ=="}]}]}
    answer = standin.post(body, "/v1/models/examples:classify")
    assert answer.json == {"results": [[["low", 0.75], ["high", 0.25]]] * 2}
    body = {"signature_name": "value", "examples": [{"x": 0.25}, {"x": [1.5]}]}
    answer = standin.post(body, "/v1/models/examples:regress")
    assert answer.body.endswith(b'"results": [0.5, 3.0]\n}')


@pytest.mark.parametrize(
    ("examples_json", "says"),
    [
        ("[]", "is an empty array"),
        ("1", "value to be an list/array"),
        ("[1]", "Example must be JSON object but got JSON Number"),
        ('[{"x": null}]', "Feature: x has element with unexpected JSON type: Null"),
        ('[{"x": [1, 2.5]}]', "Unexpected element type in feature: x"),
        ('[{"x": [9223372036854775808]}]', "Only int64 is supported"),
        ('[{"x": "a"}]', "x"),  # the parsing op refuses a text
    ],
)
def test_examples_that_are_refused(standin, examples_json, says):
    answer = standin.post(
        f'{{"examples": {examples_json}}}', "/v1/models/examples:classify"
    )
    assert answer.status == 400
    assert says in answer.error


def test_many_callers_get_their_own_answers(standin):
    wrong = []

    def ask(first: int):
        for i in range(first, first + 25):
            answer = standin.predict(x=floats(i)).outputs["y"].float_val
            if list(answer) != [2.0 * i]:
                wrong.append(i)

    threads = [threading.Thread(target=ask, args=(100 * i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(toy.START_SECONDS)
    assert not wrong


def test_bytes_that_are_no_message(standin):
    method = "/tensorflow.serving.PredictionService/Predict"
    assert fails(standin.channel.unary_unary(method), b"\xff\xff\xff") == (
        Code.INVALID_ARGUMENT,
        "The request does not parse",
    )


def test_no_values_in_a_huge_shape(standin):
    huge = tf.make_tensor_proto([], tf.float32, [0])
    huge.tensor_shape.dim[0].size = 2**62
    huge.tensor_shape.dim.add(size=0)
    # Twice as many rows would end the process in a check of TensorFlow's.
    code, _ = fails(standin.prediction.Predict, request("uneven", x=huge))
    assert code is Code.RESOURCE_EXHAUSTED


def test_a_message_beyond_the_limit(standin):
    text = tf.constant(["x" * 200_001])
    code, details = fails(standin.prediction.Predict, request("echo", text=text))
    assert code is Code.RESOURCE_EXHAUSTED
    assert "200000" in details


@pytest.mark.parametrize(
    ("proto", "num_bytes"),
    [
        ("dtype: DT_FLOAT float_val: 1", 4 * 3 * 10**6),
        (
            "dtype: DT_STRING string_val: '' string_val: 'abcde'",
            (24 + 5) * 3 * 10**6 - 5,
        ),
        ("dtype: DT_BOOL", 3 * 10**6),
    ],
)
def test_a_value_that_stands_for_many_is_counted_as_many(standin, proto, num_bytes):
    shape = "tensor_shape { dim { size: 3 } dim { size: 1000000 } }"
    value = text_format.Parse(f"{proto} {shape}", tensor_pb2.TensorProto())
    assert tensors.expanded_bytes(value) == num_bytes
    code, details = fails(standin.prediction.Predict, request(x=value))
    if num_bytes > 10_000_000:
        assert code is Code.RESOURCE_EXHAUSTED
        assert f"take {num_bytes} bytes, more than the limit of 10000000" in details
    else:
        assert code is Code.INVALID_ARGUMENT  # the dtype
