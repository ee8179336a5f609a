"""How layers run on a family of accelerators: a dataflow a module, found by `Accelerator.dataflow`.

A module has `pricer(accelerator)`: the `Pricer` of all designs that have the accelerator's structure. Third
parties add theirs under the entry point group `apollo_dse.dataflows`, as `name = "package.module"`.
"""

from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, cast

from accel_models.arch import Accelerator

if TYPE_CHECKING:
    from accel_models.pricing import ColumnPricer, Pricer

GROUP = "apollo_dse.dataflows"
DATAFLOWS = {
    "hierarchy": "accel_models.dataflows.hierarchy",
    "nvdla": "accel_models.dataflows.nvdla",
    "pe_array": "accel_models.dataflows.pe_array",
    "row_stationary": "accel_models.dataflows.row_stationary",
    "systolic": "accel_models.dataflows.systolic",
}


def pricer(accelerators: Sequence[Accelerator]) -> "Pricer":
    """The pricer of a batch.

    Raises:
        ValueError: the batch is empty, mixes dataflows, or names one that is unknown.
    """
    names = sorted({accelerator.dataflow for accelerator in accelerators})
    if len(names) != 1:
        raise ValueError(f"a batch must have accelerators of one dataflow, but got {names}")
    module = DATAFLOWS.get(names[0]) or _installed().get(names[0])
    if module is None:
        raise ValueError(f"no dataflow {names[0]!r}; there are {sorted({*DATAFLOWS, *_installed()})}")
    return cast("Pricer", import_module(module).pricer(accelerators[0]))


def column_pricer(accelerators: Sequence[Accelerator]) -> "ColumnPricer | None":
    """The pricer of a batch, if it takes designs by their numbers, too."""
    from accel_models.pricing import ColumnPricer

    found = pricer(accelerators) if accelerators else None
    return found if isinstance(found, ColumnPricer) else None


def _installed() -> dict[str, str]:
    return {point.name: point.value for point in entry_points(group=GROUP)}
