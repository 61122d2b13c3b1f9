"""The last layers of a text detector, said in what OpenVINO's CPU plug-in is quick at.

The networks of DB (Liao et al. 2020) end with two transposed convolutions, 2 x 2 at stride 2, and a sigmoid.
The plug-in keeps to float32 all that follows the last convolution proper, and works a single channel pixel by
pixel: at bfloat16 a fifth of PP-OCRv6 small's detection went into these three layers. A transposed
convolution whose windows do not overlap is a convolution with one pixel as its window, four times the
channels, and a rearrangement. The sigmoid is left to whoever takes the answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as ops

from pipelines.engines.openvino_graph import past_identities

_Floats = NDArray[np.float32]

_UP = 2  # each of the two layers doubles both sides
_PIXEL = {"strides": [1, 1], "pads_begin": [0, 0], "pads_end": [0, 0], "dilations": [1, 1]}
_APART = {"strides": [_UP, _UP], "pads_begin": [0, 0], "pads_end": [0, 0], "output_padding": [0, 0]}
_WRAPPERS = ("Identity", "Unsqueeze", "Reshape")


@dataclass(frozen=True)
class _Doubling:
    """A transposed convolution: `features` (N, C, H, W), `weights` (C, O, 2, 2) and `bias` (O)."""

    features: ov.Output
    weights: _Floats
    bias: _Floats

    def scaled(self, scale: _Floats, shift: _Floats) -> _Doubling:
        """The same, followed by a scale and a shift of each channel."""
        weights = self.weights * scale.reshape(1, -1, 1, 1)
        return _Doubling(self.features, weights, self.bias * scale + shift)


def with_logits(model: ov.Model) -> ov.Model | None:
    """The model answering with (N, 1, H, W) logits, not probabilities; None where its end is another."""
    layers = _end(model)
    if layers is None:
        return None
    first, second = layers
    hidden = ops.relu(_convolved(first.features, _as_pixels(first.weights), np.tile(first.bias, _UP * _UP)))
    weights = _as_pixels_of_pixels(second.weights)
    logits = _convolved(hidden.output(0), weights, np.repeat(second.bias, len(weights)))
    return ov.Model(
        [ops.depth_to_space(logits, "blocks_first", _UP * _UP).output(0)], model.get_parameters(), "logits"
    )


def probabilities_of(logits: _Floats) -> _Floats:
    """The sigmoid of each, computed in float32 in an array of its own."""
    found: _Floats = np.negative(logits)
    # Below -88 the exponential has no float32, and its inverse is zero as it should be.
    with np.errstate(over="ignore"):
        np.exp(found, out=found)
    found += np.float32(1)
    return np.reciprocal(found, out=found)


def _as_pixels(weights: _Floats) -> _Floats:
    """(C, O, 2, 2) of a transposed convolution as (2 * 2 * O, C, 1, 1), the place within the window first."""
    channels, outputs = weights.shape[:2]
    return weights.transpose(2, 3, 1, 0).reshape(_UP * _UP * outputs, channels, 1, 1)


def _as_pixels_of_pixels(weights: _Floats) -> _Floats:
    """(O, 1, 2, 2) as (16, 4 * O, 1, 1): from the four places `_as_pixels` made to the sixteen within them.

    The sixteen come row by row, as the rearrangement wants them.
    """
    outputs = weights.shape[0]
    whole = np.zeros((_UP, _UP, _UP, _UP, _UP, _UP, outputs), dtype=np.float32)
    for row in range(_UP):
        for column in range(_UP):
            whole[row, :, column, :, row, column] = weights[:, 0].transpose(1, 2, 0)
    return whole.reshape(_UP**4, _UP * _UP * outputs, 1, 1)


def _convolved(features: ov.Output, weights: _Floats, bias: _Floats) -> ov.Node:
    product = ops.convolution(features, ops.constant(weights.astype(np.float32)), **_PIXEL)
    return ops.add(product, ops.constant(bias.astype(np.float32).reshape(1, -1, 1, 1)))


def _end(model: ov.Model) -> tuple[_Doubling, _Doubling] | None:
    """The two doublings before the sigmoid, a batch normalization folded into the first."""
    if len(model.outputs) != 1:
        return None
    sigmoid = _source(model.outputs[0].get_node())
    if sigmoid.get_type_name() != "Sigmoid":
        return None
    second = _doubling(_source(sigmoid))
    if second is None or second.weights.shape[1] != 1:
        return None
    relu = past_identities(second.features).get_node()
    if relu.get_type_name() != "Relu":
        return None
    first = _normalized_doubling(_source(relu))
    return None if first is None else (first, second)


def _normalized_doubling(node: ov.Node) -> _Doubling | None:
    if node.get_type_name() != "BatchNormInference":
        return _doubling(node)
    before = _doubling(_source(node))
    moments = [_floats(node.input_value(index)) for index in range(1, 5)]
    if before is None or any(one is None for one in moments):
        return None
    gamma, beta, mean, variance = moments
    scale = gamma / np.sqrt(variance + node.get_attributes()["epsilon"])
    return before.scaled(scale, beta - mean * scale)


def _doubling(node: ov.Node) -> _Doubling | None:
    """The transposed convolution and the bias whose sum `node` is; None where it is not of the kind meant."""
    if node.get_type_name() != "Add":
        return None
    product, bias = _source(node), _floats(node.input_value(1))
    if product.get_type_name() != "ConvolutionBackpropData" or bias is None:
        return None
    weights = _floats(product.input_value(1))
    attributes = product.get_attributes()
    plain = len(product.inputs()) == len(("features", "weights")) and all(
        list(attributes[name]) == wanted for name, wanted in _APART.items()
    )
    if not plain or weights is None or weights.shape[2:] != (_UP, _UP) or bias.size != weights.shape[1]:
        return None
    return _Doubling(product.input_value(0), weights, bias.reshape(-1))


def _floats(output: ov.Output) -> _Floats | None:
    """The numbers of a float32 constant, whatever shape it is given before it is used."""
    node = output.get_node()
    while node.get_type_name() in _WRAPPERS:
        node = node.input_value(0).get_node()
    if node.get_type_name() != "Constant" or node.get_element_type() != ov.Type.f32:
        return None
    numbers: _Floats = node.data
    return numbers


def _source(node: ov.Node) -> ov.Node:
    return past_identities(node.input_value(0)).get_node()
