"""What is changed in CenterNet's weights before its graph is converted."""

from __future__ import annotations

import numpy as np

from tfjs_graph import TfjsNode

PREFIX = "tower_0/"
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


def replace_gate(nodes: dict[str, TfjsNode], product: str, source: str) -> None:
    """The gate is in the weights already: its product becomes a name for what it scaled."""
    if source not in nodes[product].inputs:
        raise ValueError(f"{product} does not multiply {source}")
    nodes[product] = TfjsNode(product, "Identity", (source,))


def prepare(nodes: dict[str, TfjsNode], weights: dict[str, np.ndarray], gate: np.ndarray) -> None:
    """The head's gate becomes the constant `gate`; the last product, of the sizes with a number, goes into their weights."""
    align_channels(weights)
    for name in ("cls", "wh"):
        scale(weights, f"CenternetHead/centernet_{name}_output/depthwise_weights", gate[:, None])
    replace_gate(nodes, HEAD + "mul", HEAD + "Relu_2")

    factor = weights[PREFIX + "mul/y"]
    for name in ("pointwise_weights", "biases"):
        scale(weights, f"CenternetHead/centernet_wh_output/{name}", factor)


def scale(weights: dict[str, np.ndarray], name: str, factor: np.ndarray) -> None:
    weights[name] = (weights[name] * factor).astype(np.float32)  # not rounded twice
