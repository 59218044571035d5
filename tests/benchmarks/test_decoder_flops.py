"""The closed form of the decoder's operations, against its traced graph."""

import dataclasses
import math

import pytest
import tensorflow as tf

from benchmarks.decoder_flops import decoder_flops
from wg2.models.decoder import WaveGradDecoder
from wg2.presets import PRESETS


def graph_flops(graph) -> int:
    """Multiplications and additions of every convolution and product in a graph."""
    total = 0
    for operation in graph.get_operations():
        if operation.type == "Conv2D":
            height, width, in_channels, _ = operation.inputs[1].shape
            terms = height * width * in_channels
        elif operation.type in ("MatMul", "BatchMatMulV2"):
            terms = operation.inputs[1].shape[-2]
        else:
            continue
        total += 2 * terms * math.prod(operation.outputs[0].shape)
    return total


@pytest.mark.parametrize("name", ["base", "large", "small", "tiny"])
@pytest.mark.parametrize("num_frames", [8, 24])
def test_closed_form_equals_the_graphs_convolutions(name, num_frames):
    config = PRESETS[name].decoder
    decoder = WaveGradDecoder(**dataclasses.asdict(config))
    decoder.build((None, None), (None, None, 20))
    specs = [
        tf.TensorSpec((1, num_frames * config.samples_per_frame)),
        tf.TensorSpec((1, num_frames, 20)),
        tf.TensorSpec((1,)),
    ]
    graph = tf.function(decoder).get_concrete_function(*specs).graph
    assert decoder_flops(config, num_frames, 20) == graph_flops(graph)
