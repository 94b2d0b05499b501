"""Measures the mean of CenterNet's squeeze-and-excite gate in the head over pictures, for convert_centernet.py.

  python measure_centernet_gate.py package/models/centernet.json FOLDER_WITH_PICTURES centernet_gate.json

Take pictures that no figure of the card is measured on; labels are not needed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from PIL import Image

from centernet_weights import HEAD, align_channels
from convert_centernet import Converter
from tfjs_graph import ancestors, read_graph

PIXELS = 512 * 384


def gate_graph(model_json: Path) -> onnx.ModelProto:
    nodes, weights = read_graph(model_json)
    align_channels(weights)
    converter = Converter(nodes, weights)
    for node in ancestors(nodes, [HEAD + "Sigmoid"]):
        converter.convert(node)
    graph = helper.make_graph(
        converter.nodes,
        "gate",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, [1, "height", "width", 3])],
        [helper.make_tensor_value_info(converter.only(HEAD + "Sigmoid"), TensorProto.FLOAT, None)],
        converter.initialisers,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model_json", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    session = onnxruntime.InferenceSession(gate_graph(arguments.model_json).SerializeToString())
    paths = sorted(arguments.folder.glob("*"))
    gates = []
    for index, path in enumerate(paths):
        picture = Image.open(path).convert("RGB")
        scale = (PIXELS / (picture.width * picture.height)) ** 0.5
        width, height = (max(1, round(side * scale / 32)) * 32 for side in picture.size)
        image = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR))
        gates.append(session.run(None, {"image": image[None]})[0].reshape(-1))
        print(f"\r{index + 1}/{len(paths)}", end="", flush=True)
    mean = np.mean(gates, axis=0)
    print(f"\nmean {mean.mean():.3f}, mean deviation between pictures {np.std(gates, axis=0).mean():.3f}")
    document = {"pictures": len(paths), "gate": [round(float(value), 4) for value in mean]}
    arguments.output.write_text(json.dumps(document) + "\n")


if __name__ == "__main__":
    main()
