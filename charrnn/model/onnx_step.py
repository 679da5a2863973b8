"""A model as ONNX: one step of its network, with the state going in and coming out, for other people's runtimes.

The graph states the equations of `cells.py` with ONNX's own operators; a test holds it to them. It needs the package
onnx (the extra onnx) and no torch.
"""

import importlib
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from charrnn.errors import ConfigError
from charrnn.model import storage
from charrnn.model.cells import state_names
from charrnn.model.checkpoint import Checkpoint
from charrnn.model.config import ModelConfig

OPSET, IR = 17, 8  # of 2022, which runtimes of today read


def content(checkpoint: Checkpoint, number: storage.NumberFormat) -> bytes:
    """Return the file: inputs id [B], h and c [L, B, H]; outputs logits [B, V] and the state after, h_next and c_next.

    Raises:
        ConfigError: the package onnx is not installed.
        CheckpointError: a weight is beyond what float16 can hold.
    """
    try:
        onnx = importlib.import_module("onnx")
    except ImportError:
        raise ConfigError("ONNX needs the package onnx", "install it: pip install onnx") from None
    graph = _Graph(onnx, checkpoint.config, storage.stored(checkpoint.weights, number))
    model = graph.finished(checkpoint.vocabulary.names)
    onnx.checker.check_model(model)
    return model.SerializeToString()


class _Graph:
    """The nodes as they are added; every method that adds some returns the name of what they compute."""

    def __init__(self, onnx: Any, config: ModelConfig, tensors: storage.Weights) -> None:
        self.onnx, self.config = onnx, config
        self.nodes: list[Any] = []
        self.stored = [self._initializer(name, np.asarray(tensor)) for name, tensor in tensors.items()]
        self.names = {name: self._as_float(name, tensors) for name in config.shapes()}

    def finished(self, characters: Sequence[str]) -> Any:
        """Return the model; the metadata has its characters in the order of their ids, as a list in JSON."""
        helper, kinds, config = self.onnx.helper, self.onnx.TensorProto, self.config
        parts, sizes = state_names(config), [config.num_layers, "B", config.hidden_size]
        logits, after = self._step()
        for part, layers in zip(parts, after, strict=True):
            self._add("Concat", layers, f"{part}_next", axis=0)
        self._add("Identity", [logits], "logits")
        value = helper.make_tensor_value_info
        inputs = [value("id", kinds.INT64, ["B"]), *(value(part, kinds.FLOAT, sizes) for part in parts)]
        outputs = [value("logits", kinds.FLOAT, ["B", config.vocabulary_size])]
        outputs += [value(f"{part}_next", kinds.FLOAT, sizes) for part in parts]
        graph = helper.make_graph(self.nodes, "charrnn_step", inputs, outputs, self.stored)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="charrnn")
        model.ir_version = IR
        helper.set_model_props(model, {"characters": json.dumps(list(characters)), "cell": config.cell})
        return model

    def _step(self) -> tuple[str, list[list[str]]]:
        """One step of all layers: the logits, and for each part of the state what its layers become."""
        config, parts = self.config, state_names(self.config)
        before = [self._split(part, config.num_layers, 0) for part in parts]
        after: list[list[str]] = [[] for _ in parts]
        x = None
        for layer in range(config.num_layers):
            states = [self._add("Squeeze", [each[layer], self._whole([0])]) for each in before]
            new = self._cell(layer, self._input(layer, x), states)
            for kept, value in zip(after, new, strict=True):
                kept.append(self._add("Unsqueeze", [value, self._whole([0])]))
            x = new[0]
        return self._product(x or "", "readout.weight", "readout.bias"), after

    def _input(self, layer: int, x: str | None) -> str:
        """What a layer's gates see of its input, [B, G·H]."""
        names = (f"layers.{layer}.weight_ih", f"layers.{layer}.bias_ih")
        if x is not None:
            return self._product(x, *names)
        if self.config.embedding_size:
            return self._product(self._add("Gather", [self.names["embedding.weight"], "id"], axis=0), *names)
        column = self._add("Gather", [self._add("Transpose", [self.names[names[0]]], perm=[1, 0]), "id"], axis=0)
        return self._add("Add", [column, self.names[names[1]]])

    def _cell(self, layer: int, a: str, state: Sequence[str]) -> list[str]:
        """The state after the step, each part [B, H], by the equations of the cell."""
        config = self.config
        u = self._product(state[0], f"layers.{layer}.weight_hh", f"layers.{layer}.bias_hh")
        if config.cell == "rnn":
            return [self._add("Tanh" if config.nonlinearity == "tanh" else "Relu", [self._add("Add", [a, u])])]
        if config.cell == "gru":
            return [self._gru(self._split(a, 3, 1), self._split(u, 3, 1), state[0])]
        i, f, g, o = self._split(self._add("Add", [a, u]), 4, 1)
        if config.cell == "lstm":
            return self._lstm(i, f, g, lambda c: o, state[1])
        p_i, p_f, p_o = self._split(self.names[f"layers.{layer}.peephole"], 3, 0)
        i, f = (self._seeing(gate, p, state[1]) for gate, p in ((i, p_i), (f, p_f)))
        return self._lstm(i, f, g, lambda c: self._seeing(o, p_o, c), state[1])

    def _lstm(self, i: str, f: str, g: str, output: Any, c: str) -> list[str]:
        i, f, g = self._add("Sigmoid", [i]), self._add("Sigmoid", [f]), self._add("Tanh", [g])
        c = self._add("Add", [self._add("Mul", [f, c]), self._add("Mul", [i, g])])
        return [self._add("Mul", [self._add("Sigmoid", [output(c)]), self._add("Tanh", [c])]), c]

    def _gru(self, a: Sequence[str], u: Sequence[str], h: str) -> str:
        r, z = (self._add("Sigmoid", [self._add("Add", [a[k], u[k]])]) for k in (0, 1))
        n = self._add("Tanh", [self._add("Add", [a[2], self._add("Mul", [r, u[2]])])])
        return self._add("Add", [n, self._add("Mul", [z, self._add("Sub", [h, n])])])

    def _seeing(self, gate: str, peephole: str, c: str) -> str:
        return self._add("Add", [gate, self._add("Mul", [peephole, c])])

    def _product(self, x: str, weight: str, bias: str) -> str:
        return self._add("Gemm", [x, self.names[weight], self.names[bias]], transB=1)

    def _split(self, x: str, count: int, axis: int) -> list[str]:
        if count == 1:
            return [x]
        names = [f"{x}_{axis}_{part}" for part in range(count)]
        self.nodes.append(self.onnx.helper.make_node("Split", [x], names, axis=axis))
        return names

    def _as_float(self, name: str, tensors: storage.Weights) -> str:
        """A weight in float32, whatever it is stored in."""
        if tensors[name].dtype == np.int8:
            return self._add("DequantizeLinear", [name, name + storage.SCALE], axis=0)
        if tensors[name].dtype == np.float16:
            return self._add("Cast", [name], to=self.onnx.TensorProto.FLOAT)
        return name

    def _whole(self, numbers: Sequence[int]) -> str:
        name = f"whole_{'_'.join(map(str, numbers))}"
        if all(each.name != name for each in self.stored):
            self.stored.append(self._initializer(name, np.array(numbers, np.int64)))
        return name

    def _initializer(self, name: str, tensor: Any) -> Any:
        return self.onnx.numpy_helper.from_array(np.ascontiguousarray(tensor), name)

    def _add(self, kind: str, inputs: Sequence[str], output: str = "", **attributes: Any) -> str:
        name = output or f"{kind.lower()}_{len(self.nodes)}"
        self.nodes.append(self.onnx.helper.make_node(kind, list(inputs), [name], **attributes))
        return name
