"""A way around a part of a network that nothing takes yet."""

import torch
from torch import Tensor, nn

from apollo_dse.codesign.morphism.channels import channels
from apollo_dse.codesign.morphism.surgery import MorphismError, Network, part, replaced


class Skip(nn.Module):
    """`steps(x) + gain x`, with `gain` learned from 0 on."""

    def __init__(self, steps: nn.Module) -> None:
        super().__init__()
        self.steps = steps
        self.gain = nn.Parameter(torch.zeros(()))

    def reset_parameters(self) -> None:
        """Be no skip again."""
        nn.init.zeros_(self.gain)

    def forward(self, x: Tensor) -> Tensor:
        """What the steps compute, of their input's shape."""
        y: Tensor = self.steps(x) + self.gain * x
        return y


class Projection(nn.Module):
    """`steps(x) + shortcut(x)`, the shortcut a 1 x 1 convolution of zeros, learned from there on."""

    def __init__(self, steps: nn.Module, inputs: int, outputs: int, stride: tuple[int, int]) -> None:
        super().__init__()
        self.steps = steps
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
        nn.init.zeros_(self.shortcut.weight)

    def forward(self, x: Tensor) -> Tensor:
        """What the steps compute: images (n, outputs, h / stride, w / stride)."""
        y: Tensor = self.steps(x) + self.shortcut(x)
        return y


def with_skip(module: Network, example: Tensor, place: str) -> Network:
    """The network with a skip connection around a submodule, computing what it did.

    A skip whose weight begins at zero is a morphism of a network without it (Wei et al., arXiv 1603.01670): it
    is the input times a number where shapes allow, and a convolution of zeros where they do not.

    Args:
        module: the network, which is left as it is.
        example: an input, [n, channels, ...]; only its shape and type matter.
        place: name of a submodule of one input and one output, such as a layer or a block.

    Returns:
        A new network in evaluation mode.

    Raises:
        MorphismError: there is no such submodule, it is not called once on one tensor, or its output does not
            have the input's rows and columns divided by a stride.
    """
    before, after = _shapes(module, example, place)
    if before == after:
        return replaced(module, place, Skip)
    strides = [-(-one // other) for one, other in zip(before[2:], after[2:], strict=False)]
    fits = len(before) == len(after) == 4 and before[0] == after[0]
    if not fits or any(
        -(-one // by) != other for one, other, by in zip(before[2:], after[2:], strides, strict=True)
    ):
        got = f"{place!r} makes {list(after)} of {list(before)}"
        raise MorphismError(f"a skip must go around a layer that keeps shapes or divides images, but {got}")
    stride = (strides[0], strides[1])
    return replaced(module, place, lambda steps: Projection(steps, before[1], after[1], stride))


def _shapes(module: nn.Module, example: Tensor, place: str) -> tuple[torch.Size, torch.Size]:
    """Shapes of a submodule's input and output."""
    channels(module, example)
    found: list[tuple[torch.Size, torch.Size]] = []

    def note(_module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        if len(inputs) == 1 and isinstance(inputs[0], Tensor) and isinstance(output, Tensor):
            found.append((inputs[0].shape, output.shape))
        else:
            found.append((torch.Size(), torch.Size()))

    training = module.training
    handle = part(module, place).register_forward_hook(note)
    try:
        with torch.no_grad():
            module.eval()(example)
    finally:
        handle.remove()
        module.train(training)
    if len(found) != 1 or not found[0][0]:
        raise MorphismError(
            f"a skip must go around one call on one tensor, but {place!r} is called {len(found)} times"
        )
    return found[0]
