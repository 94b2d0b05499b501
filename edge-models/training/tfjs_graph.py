"""Reads a TensorFlow.js graph model (model.json + weight shard) without TensorFlow.js.

Weights quantised to float16 are returned as float16 so that a converter can keep them small; integers stay integers.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

_STORED = {"float16": "<f2", "float32": "<f4", "int32": "<i4", "uint8": "u1"}


@dataclass(frozen=True)
class TfjsNode:
    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: dict = field(default_factory=dict)

    def strides(self) -> tuple[int, int]:
        _, height, width, _ = (int(i) for i in self.attributes["strides"]["list"]["i"])
        return height, width

    def padding(self) -> str:
        return base64.b64decode(self.attributes["padding"]["s"]).decode()

    def fused(self) -> list[str]:
        names = self.attributes.get("fused_ops", {}).get("list", {}).get("s", [])
        return [base64.b64decode(name).decode() for name in names]

    def flag(self, name: str) -> bool:
        return bool(self.attributes.get(name, {}).get("b", False))


def read_graph(model_json: Path) -> tuple[dict[str, TfjsNode], dict[str, np.ndarray]]:
    """Nodes by name, in topological order as stored, and constants by name."""
    document = json.loads(model_json.read_text())
    nodes = {
        node["name"]: TfjsNode(node["name"], node["op"], tuple(node.get("input", [])), node.get("attr", {}))
        for node in document["modelTopology"]["node"]
    }
    weights: dict[str, np.ndarray] = {}
    for group in document["weightsManifest"]:
        data = b"".join((model_json.parent / path).read_bytes() for path in group["paths"])
        offset = 0
        for entry in group["weights"]:
            stored = entry.get("quantization", {}).get("dtype", entry["dtype"])
            count = int(np.prod(entry["shape"])) if entry["shape"] else 1
            array = np.frombuffer(data, _STORED[stored], count, offset).reshape(entry["shape"])
            offset += array.nbytes
            weights[entry["name"]] = array
        if offset != len(data):
            raise ValueError(f"{model_json}: weight shards hold {len(data)} bytes, the manifest describes {offset}")
    return nodes, weights


def ancestors(nodes: dict[str, TfjsNode], outputs: list[str]) -> list[TfjsNode]:
    """Everything `outputs` depend on, inputs first."""
    done: dict[str, TfjsNode] = {}

    def visit(name: str) -> None:
        name = name.split(":")[0]
        if name in done:
            return
        for parent in nodes[name].inputs:
            visit(parent)
        done[name] = nodes[name]

    for output in outputs:
        visit(output)
    return list(done.values())
