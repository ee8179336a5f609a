"""Steps that networks are made of, as the tracer would yield them: layers and vector operations."""

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


def bottleneck(
    name: str,
    widths: tuple[int, int, int],
    size: int,
    taps: int,
    *,
    stride: int = 1,
    squeezed: int | None = None,
) -> Iterator[Step]:
    """An inverted bottleneck (arXiv 1801.04381): expand, filter each channel, gate, project.

    It is added to its input where shapes allow. `widths` are those of the input, between, and of the output,
    `size` that of the input, `squeezed` the channels between mean and gates, if there are gates.
    """
    inputs, expanded, outputs = widths
    after = size // stride
    if expanded != inputs:
        yield from convolution(f"{name}.expand", (inputs, expanded), size, 1)
    yield from convolution(f"{name}.filter", (expanded, expanded), after, taps, stride=stride, groups=expanded)
    if squeezed is not None:
        yield from _gates(f"{name}.gates", expanded, squeezed, after)
    yield from convolution(f"{name}.project", (expanded, outputs), after, 1, active=False)
    if stride == 1 and inputs == outputs:
        yield addition(f"{name}.add", outputs * after**2)


def _gates(name: str, channels: int, squeezed: int, size: int) -> Iterator[Step]:
    """Squeeze-and-excite (arXiv 1709.01507): gates of the channels, from the image's mean."""
    yield mean(f"{name}.mean", channels, size)
    yield Layer(name=f"{name}.reduce", k=squeezed, c=channels)
    yield activation(f"{name}.act", squeezed)
    yield Layer(name=f"{name}.expand", k=channels, c=squeezed)
    yield activation(f"{name}.sigmoid", channels)
    words = channels * size**2
    yield VectorOp(
        name=f"{name}.scale", kind="elementwise", ops=words, input_words=words + channels, output_words=words
    )


def eights(channels: float) -> int:
    """The nearest multiple of 8, but no less than nine tenths of `channels`, as MobileNetV2's code rounds."""
    nearest = max(8, int(channels + 4) // 8 * 8)
    return nearest + 8 if nearest < 0.9 * channels else nearest


def network(name: str, steps: Iterable[Step]) -> Workload:
    """Layers and vector operations, each in order."""
    found = tuple(steps)
    return Workload(
        name=name,
        layers=tuple(step for step in found if isinstance(step, Layer)),
        vector_ops=tuple(step for step in found if isinstance(step, VectorOp)),
    )
