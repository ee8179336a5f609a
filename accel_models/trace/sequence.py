"""Attention and recurrent networks, each met whole before PyTorch takes it apart its own way.

*Attention* is two batched products with a softmax between. Heads that share keys and values (grouped or
multi-query attention) are rows of one product: g = batch * key heads, p = (query heads / key heads) *
query length, so that K and V are counted once. A causal mask is noted as kind "causal_attention"; its
multiply-accumulates are counted in full, as a machine that does not skip blocks executes them.

*Recurrent networks*, per layer and direction: the products with the input of all time steps are one "linear"
layer of p = steps * batch rows; the products with the hidden state are "recurrent" layers of p = batch rows,
repeated once per step, since each step waits for the one before and uses the weights anew; the gates are
element-wise work per step. A packed sequence has one recurrent layer per distinct batch size.
"""

from collections import Counter
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import torch

from accel_models.trace.registry import Call, Record, Rule, register_all, register_op, words
from accel_models.trace.vector import SOFTMAX_OPS, rms_norm
from accel_models.workload import Layer, VectorOp


def attention(call: Call) -> list[Record]:
    """Scaled dot-product attention of queries (..., L, E), keys (..., S, E) and values (..., S, Ev)."""
    query, key, value = call["query"], call["key"], call["value"]
    length, width = query.shape[-2:]
    source, value_width = value.shape[-2:]
    heads = call.output.numel() // max(1, length * value_width)
    if not heads * length * source * width * value_width:
        return []
    key_heads = prod(n for n, stride in zip(key.shape[:-2], key.stride()[:-2], strict=True) if stride != 0)
    g = key_heads if heads % key_heads == 0 else heads
    p = heads // g * length
    kind = "causal_attention" if call["is_causal"] else "attention"
    mask = call.arguments.get("attn_mask", call.arguments.get("attn_bias"))
    scores = heads * length * source
    return [
        Layer(
            name="scores",
            kind=kind,
            g=g,
            p=p,
            c=width,
            k=source,
            weights_are_activations=call.is_activation(key),
        ),
        VectorOp(
            name="softmax",
            kind="softmax",
            ops=(SOFTMAX_OPS + 1 + (mask is not None)) * scores,  # + scale, + mask
            input_words=scores + (0 if mask is None else words(mask)),
            output_words=scores,
        ),
        Layer(
            name="context",
            kind=kind,
            g=g,
            p=p,
            c=source,
            k=value_width,
            weights_are_activations=call.is_activation(value),
        ),
    ]


def flex_attention(call: Call) -> list[Record]:
    """Attention with a user's score function (not priced) and block mask (counted in full)."""
    named = {"query": call["0"], "key": call["1"], "value": call["2"], "is_causal": False}
    return attention(replace(call, arguments=named))


@dataclass(frozen=True, slots=True)
class Cell:
    """A recurrent cell: gates per hidden unit, states, and scalar operations per hidden unit and step.

    Each gate adds the input's and the state's products; then LSTM: 3 sigmoids, 2 tanh, 3 products, 1 sum;
    GRU: 2 sigmoids, 1 tanh, 3 products, 2 sums; plain: 1 function.
    """

    gates: int
    states: int
    ops: int


LSTM = Cell(gates=4, states=2, ops=4 + 9)
GRU = Cell(gates=3, states=1, ops=3 + 8)
PLAIN = Cell(gates=1, states=1, ops=1 + 1)


def recurrent(cell: Cell) -> Rule:
    """The rule of a recurrent network of that cell, on padded or packed sequences."""

    def rule(call: Call) -> list[Record]:
        data, weights = call["data"], call["params"]
        steps = _steps(call)
        rows = sum(batch * count for batch, count in steps.items())
        width = data.shape[-1]
        if not rows * width:
            return []
        directions = 2 if call["bidirectional"] else 1
        per_direction = len(weights) // (call["num_layers"] * directions)
        records: list[Record] = []
        for index in range(call["num_layers"] * directions):
            own = weights[index * per_direction : (index + 1) * per_direction]
            label = f"l{index // directions}" + ("_reverse" if index % directions else "")
            records += _direction(cell, own, rows=rows, steps=steps, label=label)
        return records

    return rule


def cell_gates(cell: Cell) -> Rule:
    """The rule of a kernel that does a cell's element-wise work, as cells on a GPU have it."""

    def rule(call: Call) -> list[Record]:
        n = call.output.numel()
        inputs, states = call.input_words, cell.states * n
        return [
            VectorOp(name="", kind="elementwise", ops=cell.ops * n, input_words=inputs, output_words=states)
        ]

    return rule


def _steps(call: Call) -> Counter[int]:
    """How many time steps run with how many sequences at once."""
    data, sizes = call["data"], call.arguments.get("batch_sizes")
    if sizes is not None:
        return Counter(int(size) for size in sizes.tolist() if size)
    steps, batch = data.shape[:2] if not call["batch_first"] else (data.shape[1], data.shape[0])
    return Counter({batch: steps})


def _direction(
    cell: Cell, weights: list[torch.Tensor], *, rows: int, steps: Counter[int], label: str
) -> list[Record]:
    """One layer in one direction; `weights` begins with gates x inputs and gates x states."""
    gates, width = weights[0].shape
    state = weights[1].shape[1]
    hidden = gates // cell.gates
    records: list[Record] = [Layer(name=f"input_{label}", kind="linear", p=rows, c=width, k=gates)]
    for batch, count in steps.items():
        records.append(
            Layer(name=f"recurrent_{label}", kind="recurrent", p=batch, c=state, k=gates, repeats=count)
        )
        records.append(
            VectorOp(
                name=f"gates_{label}",
                kind="elementwise",
                ops=cell.ops * batch * hidden,
                input_words=batch * (2 * gates + (hidden if cell.states == 2 else state)),
                output_words=cell.states * batch * hidden,
                repeats=count,
            )
        )
        if state != hidden:
            records.append(
                Layer(name=f"project_{label}", kind="recurrent", p=batch, c=hidden, k=state, repeats=count)
            )
    return records


@dataclass(frozen=True, slots=True)
class Composite:
    """A function that is priced whole: its name, its parameters, the defaults of the last, its rule."""

    name: str
    parameters: tuple[str, ...]
    defaults: tuple[Any, ...]
    rule: Rule

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Arguments by name."""
        optional = self.parameters[len(self.parameters) - len(self.defaults) :]
        bound = dict(zip(optional, self.defaults, strict=True))
        return bound | dict(zip(self.parameters, args, strict=False)) | kwargs


@dataclass(frozen=True, slots=True)
class Recurrence(Composite):
    """A recurrent function, whose arguments after the first depend on whether the sequence is packed."""

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """Arguments by name: (data, hx, params, ...) or, packed, (data, batch_sizes, hx, params, ...)."""
        tail = ("has_biases", "num_layers", "dropout", "train", "bidirectional", "batch_first")
        packed = isinstance(args[3], (list, tuple))
        head = ("data", "batch_sizes", "hx", "params") if packed else ("data", "hx", "params")
        return {"batch_first": False, **dict(zip((*head, *tail), args, strict=False)), **kwargs}


ATTENTION = Composite(
    "scaled_dot_product_attention",
    ("query", "key", "value", "attn_mask", "dropout_p", "is_causal", "scale", "enable_gqa"),
    (None, 0.0, False, None, False),
    attention,
)
RMS_NORM = Composite("rms_norm", ("input", "normalized_shape", "weight", "eps"), (None, None), rms_norm)

COMPOSITES: dict[Any, Composite] = {
    torch.nn.functional.scaled_dot_product_attention: ATTENTION,
    torch.nn.functional.rms_norm: RMS_NORM,
    torch.rms_norm: RMS_NORM,
    torch.lstm: Recurrence("lstm", (), (), recurrent(LSTM)),
    torch.gru: Recurrence("gru", (), (), recurrent(GRU)),
    torch.rnn_tanh: Recurrence("rnn_tanh", (), (), recurrent(PLAIN)),
    torch.rnn_relu: Recurrence("rnn_relu", (), (), recurrent(PLAIN)),
}
"""Functions that are priced whole, wherever they run."""

register_all("_thnn_fused_lstm_cell", cell_gates(LSTM))
register_all("_thnn_fused_gru_cell", cell_gates(GRU))
register_op("higher_order::flex_attention", flex_attention)
register_all(
    "_scaled_dot_product_flash_attention _scaled_dot_product_flash_attention_for_cpu "
    "_scaled_dot_product_efficient_attention _scaled_dot_product_cudnn_attention "
    "_scaled_dot_product_fused_attention_overrideable",
    attention,
)
