"""Steps that networks of images are made of, as the tracer would yield them: layers and vector operations."""

from collections.abc import Iterable, Iterator

from accel_models.workload import Layer, VectorOp, Workload

Step = Layer | VectorOp


def convolution(
    name: str,
    widths: tuple[int, int],
    size: int,
    taps: int,
    *,
    stride: int = 1,
    groups: int = 1,
    active: bool = True,
) -> Iterator[Step]:
    """A convolution with `size` x `size` outputs, its norm, and its activation if it has one."""
    inputs, outputs = widths
    yield Layer(
        name=name,
        g=groups,
        k=outputs // groups,
        c=inputs // groups,
        p=size,
        q=size,
        r=taps,
        s=taps,
        stride=(stride, stride),
    )
    words = outputs * size**2
    read = words + 4 * outputs
    yield VectorOp(
        name=f"{name}.norm", kind="norm", ops=words, input_words=read, output_words=words, fused=True
    )
    if active:
        yield activation(f"{name}.act", words)


def activation(name: str, words: int, *, fused: bool = True) -> VectorOp:
    """A function of every word; fused if it stands behind a layer, with nothing but such functions between."""
    return VectorOp(
        name=name, kind="elementwise", ops=words, input_words=words, output_words=words, fused=fused
    )


def addition(name: str, words: int) -> VectorOp:
    """The sum of two tensors of `words` each."""
    return VectorOp(name=name, kind="elementwise", ops=words, input_words=2 * words, output_words=words)


def mean(name: str, channels: int, size: int) -> VectorOp:
    """The mean of every channel."""
    words = channels * size**2
    return VectorOp(name=name, kind="reduction", ops=words, input_words=words, output_words=channels)


def network(name: str, steps: Iterable[Step]) -> Workload:
    """Layers and vector operations, each in order."""
    found = tuple(steps)
    return Workload(
        name=name,
        layers=tuple(step for step in found if isinstance(step, Layer)),
        vector_ops=tuple(step for step in found if isinstance(step, VectorOp)),
    )
