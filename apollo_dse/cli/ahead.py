"""The long wait of a first run, made visible: mappings are searched ahead of pricing, layer by layer.

What is found is kept by the cost model, in memory and on disk, so that nothing is searched twice and layers
that are known cost no time.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accel_models import Accelerator, Layer, Workload


def search_mappings(
    accelerator: "Accelerator",
    span: Sequence["Accelerator"],
    workloads: Sequence["Workload"],
    say: Callable[[str], None],
) -> None:
    """Search the mappings of every layer shape of the workloads.

    Args:
        accelerator: one of those that are going to be priced, or like them.
        span: what the cost model is going to be told of all that are priced.
        workloads: the networks that they are going to be priced on.
        say: told before each shape whose mappings are searched, and how many shapes there are.
    """
    import torch

    from accel_models import dataflows
    from accel_models.threads import one_thread, spread

    pricer = dataflows.pricer([accelerator])
    designs = pricer.stack([accelerator], torch.device("cpu"), pricer.reach(span))
    places = [
        (replace(layer, name="", kind="", repeats=1), f"{each.name} {layer.name}")
        for each in workloads
        for layer in each.layers
    ]
    shapes = dict(reversed(places))  # of equal shapes the first place

    def search(numbered: tuple[int, tuple["Layer", str]]) -> None:
        number, (shape, place) = numbered
        say(f"Searching mappings, layer shape {number} of {len(shapes)}: {place}")
        pricer.prepare(shape, designs)

    with one_thread():
        list(spread(search, list(enumerate(reversed(shapes.items()), start=1))))
