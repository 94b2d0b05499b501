"""Writes the graph that finds each patch's nearest entry in a scene memory: one matrix product.

  python make_nearest_patch.py ../nearest-patch/model.onnx

|p - m|^2 = |p|^2 - 2 p.m + |m|^2; the caller adds |p|^2, which does not change which entry is nearest.
"""

import sys
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

nodes = [
    helper.make_node("Transpose", ["memory"], ["columns"], perm=[1, 0]),
    helper.make_node("MatMul", ["patches", "columns"], ["products"]),
    helper.make_node("Mul", ["products", "minus_two"], ["twice"]),
    helper.make_node("Add", ["twice", "norms"], ["relative"]),
    helper.make_node("ReduceMin", ["relative"], ["nearest"], axes=[1], keepdims=0),
]
graph = helper.make_graph(
    nodes,
    "nearest-patch",
    [
        helper.make_tensor_value_info("patches", TensorProto.FLOAT, ["cells", "dimensions"]),
        helper.make_tensor_value_info("memory", TensorProto.FLOAT, ["entries", "dimensions"]),
        helper.make_tensor_value_info("norms", TensorProto.FLOAT, ["entries"]),
    ],
    [helper.make_tensor_value_info("nearest", TensorProto.FLOAT, ["cells"])],
    [numpy_helper.from_array(np.asarray(-2, np.float32), "minus_two")],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="frostlight")
model.ir_version = 8
onnx.checker.check_model(model, full_check=True)
output = Path(sys.argv[1])
output.parent.mkdir(parents=True, exist_ok=True)
onnx.save(model, output)
print(f"{output}: {output.stat().st_size} bytes")
