"""Random steps from a network to a larger one that computes the same."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from torch import Tensor, nn

from apollo_dse.codesign.morphism.channels import channels
from apollo_dse.codesign.morphism.depth import deeper
from apollo_dse.codesign.morphism.kernel import larger_kernel
from apollo_dse.codesign.morphism.paths import Merge, branched
from apollo_dse.codesign.morphism.skip import with_skip
from apollo_dse.codesign.morphism.surgery import MorphismError
from apollo_dse.codesign.morphism.width import wider

Step = Callable[[nn.Module, Tensor, np.random.Generator], tuple[str, nn.Module]]
"""What was done, in words, and the network that came of it."""

GROWTH = 1.5
"""How many times as wide a layer becomes."""

LARGEST_KERNEL = 7
"""Kernels do not grow beyond it."""

TIE_BREAKING = 0.05
"""Noise of copied channels, as `wider` counts it."""

TRIES = 100
"""Draws of a step until one applies."""


def grown(network: nn.Module, example: Tensor, rng: np.random.Generator) -> tuple[str, nn.Module]:
    """A random step that applies, in words, and the network that it leads to.

    Args:
        network: traceable by torch.fx; it is left as it is.
        example: inputs, [n, channels, ...]; norms of new layers begin with their statistics.
        rng: of the draws.

    Raises:
        MorphismError: no step of `TRIES` applied.
    """
    refusal = MorphismError("nothing was tried")
    for _ in range(TRIES):
        name = str(rng.choice(list(STEPS)))
        try:
            done, new = STEPS[name](network, example, rng)
        except MorphismError as error:
            refusal = error
            continue
        return f"{name} {done}", new
    raise MorphismError(f"a step must apply to grow, but none of {TRIES} did; the last: {refusal}") from refusal


def _wider(network: nn.Module, example: Tensor, rng: np.random.Generator) -> tuple[str, nn.Module]:
    found = channels(network, example)
    layer = _drawn(list(found.free), rng)
    group = found.groups[found.written(layer).group]
    width = -(-int(group.width * GROWTH) // group.blocks) * group.blocks
    noisy = {"noise": TIE_BREAKING, "seed": int(rng.integers(2**31))}
    return f"{layer} to {width}", wider(network, example, layer, width, **noisy)  # type: ignore[arg-type]


def _deeper(network: nn.Module, example: Tensor, rng: np.random.Generator) -> tuple[str, nn.Module]:
    layer = _drawn(_named(network, nn.Conv2d), rng)
    return layer, deeper(network, example, layer)


def _kernel(network: nn.Module, _example: Tensor, rng: np.random.Generator) -> tuple[str, nn.Module]:
    layer = _drawn(_named(network, nn.Conv2d), rng)
    size = max(network.get_submodule(layer).kernel_size) + 2  # type: ignore[arg-type]
    if size > LARGEST_KERNEL:
        raise MorphismError(f"kernels must stay within {LARGEST_KERNEL}, but {layer!r} would have {size}")
    return f"{layer} to {size}", larger_kernel(network, layer, size)


def _skip(network: nn.Module, example: Tensor, rng: np.random.Generator) -> tuple[str, nn.Module]:
    place = _drawn(_named(network, (nn.Conv2d, nn.Sequential)), rng)
    return place, with_skip(network, example, place)


def _branch(network: nn.Module, example: Tensor, rng: np.random.Generator) -> tuple[str, nn.Module]:
    layer = _drawn(_named(network, nn.Conv2d), rng)
    merge: Merge = "add" if rng.random() < 0.5 else "concat"
    return f"{layer} by {merge}", branched(network, example, layer, 2, merge)


STEPS: Mapping[str, Step] = {
    "wider": _wider,
    "deeper": _deeper,
    "kernel": _kernel,
    "skip": _skip,
    "branch": _branch,
}


def _named(network: nn.Module, kind: Any) -> list[str]:
    return [name for name, each in network.named_modules() if name and isinstance(each, kind)]


def _drawn(names: list[str], rng: np.random.Generator) -> str:
    if not names:
        raise MorphismError("a step must find a layer to change, but there is none")
    return names[int(rng.integers(len(names)))]
