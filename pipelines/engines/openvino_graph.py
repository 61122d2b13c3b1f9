"""Changes to a network before OpenVINO compiles it: the types at its ends, and what a recogniser answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from openvino import opset13 as ops
from openvino.preprocess import PrePostProcessor

from pipelines.ctc import BLANK

# Classes are searched in blocks of so many. Both a block's number and a place in it must be whole numbers
# that bfloat16 holds exactly, which it does up to 256.
BLOCK = 128
_MOST_BLOCKS = 256
_NEVER = -3e4  # the score of classes that only fill the last block
_ROWS_AT_ONCE = 4  # of 18,710 scores each, 300 kB in float32

_Floats: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True)
class _Head:
    """A classifier at a network's end: `features` (N, T, F) times `weights` (F, C), plus `bias` (C)."""

    features: ov.Output
    weights: _Floats
    bias: _Floats


def in_float32(model: ov.Model, *, but_output: int | None = None, kind: ov.Type | None = None) -> ov.Model:
    """The model with float32 at its ends, whatever it holds inside; one output may be of another `kind`.

    The conversions at the ends join the operations beside them.
    """
    convert = PrePostProcessor(model)
    for index, port in enumerate(model.inputs):
        if port.element_type.is_real():
            convert.input(index).tensor().set_element_type(ov.Type.f32)
    for index, port in enumerate(model.outputs):
        if port.element_type.is_real():
            chosen = kind if index == but_output else ov.Type.f32
            convert.output(index).tensor().set_element_type(chosen)
    return convert.build()


def with_best_class(model: ov.Model) -> ov.Model:
    """The model with (N, T) best classes and (N, T) probabilities in place of (N, T, C) probabilities."""
    probabilities = model.outputs[0].get_node().input_value(0)
    top = ops.topk(probabilities, np.int32(1), 2, "max", "none", index_element_type="i32")
    last = ops.constant(np.array([2], dtype=np.int32))
    outputs = [ops.squeeze(top.output(1), last).output(0), ops.squeeze(top.output(0), last).output(0)]
    return ov.Model(outputs, model.get_parameters(), "best_class")


def with_blocks(model: ov.Model) -> ov.Model | None:
    """The model answering where the best score lies, and with the scores of steps that write a character.

    Softmax over 18,710 classes and the search among them take a quarter of PP-OCRv6 small's time on a CPU
    with AMX. The best class is that of the best score as well, and found sooner in two steps: the best of
    each block, then the best class of the best block. The softmax is computed for the few steps only that
    write a character (see `pipelines.ctc.kept_steps`), and only their scores leave the network: copying
    those of all steps took a tenth of its time.

    Returns:
        a model with three outputs: the best block and the place in it, each (N, T, 1), whole numbers as
        real ones, and (K, C') scores of the K steps that write, line after line; C' is C filled up to whole
        blocks. None where the model ends in another way. The first two outputs come through a product with
        one, since the plug-in keeps to float32 all that follows the last product, and the search takes
        twice as long in it.
    """
    head = _head(model)
    if head is None:
        return None
    classes = head.weights.shape[1]
    blocks = -(-classes // BLOCK)
    if blocks > _MOST_BLOCKS:
        return None
    fill = blocks * BLOCK - classes
    weights = np.pad(head.weights, ((0, 0), (0, fill)))
    bias = np.pad(head.bias, (0, fill), constant_values=_NEVER).reshape(1, 1, -1)
    scores = ops.add(ops.matmul(head.features, ops.constant(weights), False, False), ops.constant(bias))
    block, place = _search(scores, blocks)
    written = ops.gather_nd(scores, _steps_that_write(block, place))
    outputs = [_through_product(block), _through_product(place), written.output(0)]
    return ov.Model(outputs, model.get_parameters(), "best_block")


def best_classes_of(blocks: _Floats, places: _Floats) -> NDArray[np.int32]:
    """(N, T) classes from the first two outputs of a model made by `with_blocks`."""
    classes: NDArray[np.int32] = (blocks[..., 0] * BLOCK + places[..., 0]).astype(np.int32)
    return classes


def probabilities_of(scores: NDArray[Any]) -> _Floats:
    """(K,) softmax probabilities of the best class of each of K rows of scores, float32 or bfloat16's bits.

    Computed in float32 as one over the sum of exponentials, each against the row's best; a few rows at a
    time, so that they stay in the processor's cache.
    """
    found = np.empty(len(scores), dtype=np.float32)
    for start in range(0, len(scores), _ROWS_AT_ONCE):
        rows = scores[start : start + _ROWS_AT_ONCE]
        if rows.dtype != np.float32:
            rows = (rows.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
        shifted = rows - rows.max(axis=1, keepdims=True)
        found[start : start + _ROWS_AT_ONCE] = np.float32(1) / np.exp(shifted, out=shifted).sum(axis=1)
    return found


def _search(scores: ov.Node, blocks: int) -> tuple[ov.Output, ov.Output]:
    split = ops.reshape(scores, ops.constant(np.array([0, 0, blocks, BLOCK], np.int64)), True)
    best_of_each = ops.reduce_max(split, ops.constant(np.array([3], np.int64)), False)
    block = ops.topk(best_of_each, np.int32(1), 2, "max", "none", index_element_type="i32").output(1)
    within = ops.gather(split, block, ops.constant(np.int64(2)), 2)
    place = ops.topk(within, np.int32(1), 3, "max", "none", index_element_type="i32").output(1)
    return block, ops.squeeze(place, ops.constant(np.array([3], np.int32))).output(0)


def _steps_that_write(block: ov.Output, place: ov.Output) -> ov.Node:
    """(K, 2) where `kept_steps` of the classes holds: line and step."""
    last = ops.constant(np.array([2], np.int32))
    blocks, places = (ops.convert(ops.squeeze(index, last), "i32") for index in (block, place))
    classes = ops.add(ops.multiply(blocks, ops.constant(np.int32(BLOCK))), places)
    before = ops.pad(classes, _numbers(0, 1), _numbers(0, -1), "constant", ops.constant(np.int32(BLANK)))
    writes = ops.logical_and(
        ops.not_equal(classes, ops.constant(np.int32(BLANK))), ops.not_equal(classes, before)
    )
    return ops.transpose(ops.non_zero(writes, "i32"), _numbers(1, 0))


def _numbers(*numbers: int) -> ov.Node:
    return ops.constant(np.array(numbers, np.int64))


def _through_product(number: ov.Output) -> ov.Output:
    one = ops.constant(np.ones((1, 1), dtype=np.float32))
    return ops.matmul(ops.convert(number, "f32"), one, False, False).output(0)


def _head(model: ov.Model) -> _Head | None:
    """The product, bias and softmax that end a recogniser, or None where it ends otherwise."""
    if len(model.outputs) != 1 or len(model.outputs[0].get_partial_shape()) != 3:  # noqa: PLR2004  -- (N, T, C)
        return None
    softmax = past_identities(model.outputs[0].get_node().input_value(0))
    if softmax.get_node().get_type_name() != "Softmax":
        return None
    added = past_identities(softmax.get_node().input_value(0)).get_node()
    if added.get_type_name() != "Add":
        return None
    product, bias = (past_identities(added.input_value(index)).get_node() for index in (0, 1))
    if product.get_type_name() != "MatMul":
        return None
    weights = product.input_value(1).get_node()
    if not (_is_plain(product) and _is_floats(weights, 2) and _is_floats(bias, 1)):
        return None
    return _Head(product.input_value(0), weights.data, bias.data)


def past_identities(output: ov.Output) -> ov.Output:
    """Where a value comes from, operations that change nothing left out."""
    while output.get_node().get_type_name() == "Identity":
        output = output.get_node().input_value(0)
    return output


def _is_plain(product: ov.Node) -> bool:
    attributes = product.get_attributes()
    return not (attributes["transpose_a"] or attributes["transpose_b"])


def _is_floats(node: ov.Node, dimensions: int) -> bool:
    return (
        node.get_type_name() == "Constant"
        and node.get_element_type() == ov.Type.f32
        and len(node.get_output_shape(0)) == dimensions
    )
