"""The cost model: asks the dataflow of the designs, and puts its answers together."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import torch
from torch import Tensor

from accel_models import dataflows
from accel_models.arch import Accelerator
from accel_models.chain import STATES
from accel_models.cost.network import Conditions, Network
from accel_models.cost.records import Costs, Totals
from accel_models.mapping import Mapping
from accel_models.pricing import ColumnPricer, Goal, Pricer, Residency, reasons
from accel_models.ranges import DesignColumns
from accel_models.slopes import Sloped, Softness, SoftTotals, Tangent, Terms, slopes
from accel_models.threads import one_thread
from accel_models.workload import Workload


class CostModel:
    """Prices designs with the best mapping of every layer.

    Args:
        minimize: what the mapper minimizes layer by layer: "latency", "energy" or "edp".
        keep_activations: whether activations may stay on chip from layer to layer.
        keep_parameters: whether the steady state is priced, with parameters that stay on chip from inference
            to inference; without, it is that of an inference by itself.
        span: designs that have, all together, every size that is going to be priced: mappings are then
            searched for all of them at once, which pays where many designs are priced.
        device: torch device of the batch arithmetic; default: cpu.
    """

    def __init__(
        self,
        *,
        minimize: Goal = "latency",
        keep_activations: bool = True,
        keep_parameters: bool = False,
        span: Sequence[Accelerator] = (),
        device: str | torch.device | None = None,
    ) -> None:
        self.span = tuple(span)
        self.device = torch.device(device or "cpu")
        self._conditions = Conditions(minimize, keep_activations, keep_parameters, self.device)
        self._reaches: dict[type, Any] = {}

    @one_thread()
    def evaluate(self, accelerators: Sequence[Accelerator], workload: Workload) -> Costs:
        """Costs of a batch of designs on a workload.

        Raises:
            ValueError: the accelerators are not of one dataflow, or not of the structure that it knows.
        """
        pricer = dataflows.pricer(accelerators)
        buildable = torch.tensor([not each.violations for each in accelerators], device=self.device)
        network = Network(self._conditions, pricer, self._stack(pricer, accelerators), workload, buildable)
        totals = network.totals(
            self._column([each.total_area_mm2 for each in accelerators]),
            self._column([each.peak_ops_per_s / 2 for each in accelerators]),
        )
        because = tuple(
            reasons(accelerator.violations, limits)
            for accelerator, limits in zip(accelerators, totals.exceeded, strict=True)
        )
        return Costs(
            **{each.name: getattr(totals, each.name) for each in fields(Totals)},
            workload=workload,
            accelerators=tuple(accelerators),
            levels=pricer.levels,
            bounds=pricer.bounds,
            reasons=because,
            _itemize=network.itemize,
        )

    @one_thread()
    def totals(self, pricer: ColumnPricer, designs: DesignColumns, workload: Workload) -> Totals:
        """Totals of n designs that are given by their numbers, which spares building them."""
        columns = pricer.designs(designs.columns, self.device, self._reach(pricer))
        buildable, area_mm2, peak_macs_per_s = (
            torch.from_numpy(each).to(self.device)
            for each in (designs.floor.buildable, designs.floor.area_mm2, designs.peak_macs_per_s)
        )
        return Network(self._conditions, pricer, columns, workload, buildable).totals(area_mm2, peak_macs_per_s)

    @one_thread()
    def slopes(
        self, pricer: Sloped, tangent: Tangent, workload: Workload, softness: Softness | None = None
    ) -> SoftTotals:
        """How costs of n designs on a workload answer to their parameters; without the steady state."""
        reach = self._reach(pricer)
        terms = Terms(
            self._conditions.minimize, softness or Softness(), self._conditions.keep_activations, reach
        )
        return slopes(pricer, tangent, workload, terms)

    @one_thread()
    def mappings(self, accelerator: Accelerator, workload: Workload) -> tuple[Mapping, ...]:
        """The winning mapping of every layer of a workload on one design, as most executions of it run.

        Raises:
            ValueError: a layer has no mapping that fits the design.
        """
        pricer = dataflows.pricer([accelerator])
        buildable = torch.ones(1, dtype=torch.bool, device=self.device)
        runs = Network(self._conditions, pricer, self._stack(pricer, [accelerator]), workload, buildable).runs
        found = []
        for i, layer in enumerate(workload.layers):
            residency = Residency(*STATES[int(runs[0, i].argmax())])
            found.append(pricer.mapping(layer, residency, accelerator, self._conditions.minimize))
        return tuple(found)

    def _stack(self, pricer: Pricer, accelerators: Sequence[Accelerator]) -> Any:
        return pricer.stack(accelerators, self.device, self._reach(pricer))

    def _reach(self, pricer: Pricer) -> Any:
        if type(pricer) not in self._reaches:
            self._reaches[type(pricer)] = pricer.reach(self.span)
        return self._reaches[type(pricer)]

    def _column(self, values: Sequence[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64, device=self.device)
