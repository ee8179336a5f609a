"""What two workloads must share to be the same, whatever they call their steps."""

from collections import Counter
from typing import Any

from accel_models import Layer, Workload


def shapes(workload: Workload) -> Counter[Any]:
    """How often each layer and vector operation occurs, by all that is priced of it."""
    found: Counter[Any] = Counter()
    for step in workload.steps:
        if isinstance(step, Layer):
            key: tuple[Any, ...] = (step.kind, step.stride, step.weights_are_activations, *step.bounds.values())
        else:
            key = (step.kind, step.ops, step.input_words, step.output_words, step.fused)
        found[key] += step.repeats
    return found
