"""What no design of a box can beat: bounds on the latency and the energy of a network.

A box of designs (`accel_models.ranges`) is priced as one fictitious design, its *relaxation*: of whatever there
may be more of (PEs, capacities, bandwidths, clock) it has the most that a design of the box has, of whatever is
spent (energy of a byte, leakage, latency of DRAM) the least. Let D be a design of the box and R the relaxation.

Layer. A mapping m of a dataflow's fixed set asks of a design for holdings, bytes and cycles that do not rise
with any supply (`mapspace.choices`; `tests/laws` holds the prices to it). So m fits R if it fits D, and its
latency on R is at most that on D. Its energy is a sum of bytes times energies of a byte, and of latency times
leakage. Bytes off chip do not rise either. Bytes on chip may: a chunk that more children share is copied and
rounded up more often. A pricer therefore lets an energy count only where the axes that its bytes may rise with
are settled in the box, and as zero elsewhere (`Relaxable.relax`). Then m costs at most as much energy on R as
on D. The least over m inherits both, whichever mapping was chosen for D, and for which goal.

Network. D runs its layers along one path through the states of `accel_models.chain`, each at least as expensive
as the least of that state on R, and R has every state that D has. So the shortest path on R by latencies alone
is at most the latency of D, and by energies alone at most its energy. Vector operations follow the same laws.
The product of the two is at most D's energy-delay product. R may keep activations on chip, so the bound holds
where D may not. State 0, with all activations off chip, decides
whether a design can run a network; where R cannot, no D can.

Steady states are not bounded: which parameters stay on chip is a greedy choice, which need not improve.

Floating point. Every step above is a sum, product, quotient or maximum, whose rounding is monotone, but for a
few differences and for ties between mappings, which count as equal to 1 part in 1e12. `SLACK` covers both.
"""

from collections.abc import Mapping
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from accel_models.chain import executions, price_states
from accel_models.pricing import Pricer, StepPrices
from accel_models.ranges import Column, Ranges
from accel_models.threads import one_thread
from accel_models.workload import Workload

Bounded = Literal["latency", "energy"]
"""What is bounded; by itself, not the two of one design."""

SLACK = 1e-11
"""By how much a bound may be wrong for rounding, as a share of it; whoever compares lowers it by that."""


@runtime_checkable
class Relaxable(Pricer, Protocol):
    """A pricer whose prices can be bounded over boxes of designs.

    `axes` names the columns that a bound suffers most from where a box has several values of them.
    """

    @property
    def axes(self) -> tuple[str, ...]: ...  # noqa: D102 - see above

    def relax(self, ranges: Ranges, goal: Bounded) -> Mapping[str, Column]:
        """The relaxation of n boxes: a column a property, as `designs` takes them.

        What does not bear on the goal is zero, so that boxes which differ in nothing else are alike.
        """

    def designs(self, columns: Mapping[str, Column], device: torch.device) -> Any:
        """Columns of n designs, as the methods of `Pricer` take them."""


@one_thread()
def least_totals(
    pricer: Relaxable,
    columns: Mapping[str, Column],
    workload: Workload,
    goal: Bounded,
    *,
    device: torch.device,
) -> NDArray[np.float64]:
    """The least latency or energy of a network on n relaxed designs, [n]; infinite where it cannot run.

    Args:
        pricer: of the designs.
        columns: what it relaxed.
        workload: the network.
        goal: which of the two, in s or J.
        device: where to price.
    """
    designs = pricer.designs(columns, device)
    states = price_states(pricer, designs, workload.layers, goal, keep_activations=True)
    runs = executions(workload.layers, states, goal)
    total = torch.zeros(len(next(iter(columns.values()))), dtype=torch.float64, device=device)
    for i, prices in enumerate(states):
        for state, step in prices.items():
            times = runs[:, i, state]
            total = total + torch.where(times > 0, times * _value(step, goal), 0.0)
        total = torch.where(prices[0].fits, total, torch.inf)
    for op in workload.vector_ops:
        step = pricer.vector(op, designs, keep_activations=True)
        total = total + op.repeats * _value(step, goal)
    found: NDArray[np.float64] = total.cpu().numpy()
    return found


def _value(step: StepPrices, goal: Bounded) -> Tensor:
    return step.latency_s if goal == "latency" else step.energy_j
