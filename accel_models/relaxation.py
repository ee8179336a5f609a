"""What no design of a box can beat: bounds on the latency and the energy of a network.

A box of designs (`accel_models.ranges`) is priced as one fictitious design, its *relaxation*: of whatever there
may be more of (PEs, capacities, bandwidths, clock) it has the most that a design of the box has, of whatever is
spent (energy of a byte, leakage, latency of DRAM) the least. Let D be a design of the box and R the relaxation.

Layer. A mapping m of D asks for holdings, bytes and cycles that do not rise with any supply
(`mapspace.choices`; `tests/laws` holds the prices to it). So m fits R if it fits D, and its latency on R is
at most that on D. Its energy is a sum of bytes times energies of a byte, and of latency times leakage. Bytes
off chip do not rise either. Bytes on chip may: a chunk that more children share is copied and rounded up more
often. A pricer therefore lets an energy count only where the axes that its bytes may rise with are settled in
the box, and as zero elsewhere (`Relaxable.relax`). Then m costs at most as much energy on R as on D. Which
array tiles there are depends on the PEs and the room; where R has others than D, it has one that is as fast
(`mapspace.enumeration.array_tiles`), and where energies on chip count both have the same PEs and the same
room. So bounds on latency may be searched in a room of the relaxation's own, which takes less time. The least
over m inherits both, whichever mapping was chosen for D, and for which goal.

Network. D runs its layers along one path through the states of `accel_models.chain`, each at least as expensive
as the least of that state on R, and R has every state that D has. So the shortest path on R by latencies alone
is at most the latency of D, and by energies alone at most its energy. Vector operations follow the same laws.
R may keep activations on chip, so the bound holds where D may not. State 0, with all activations off chip,
decides whether a design can run a network; where R cannot, no D can.

Energy-delay product. The product of least latency and least energy is a bound, but no mapping need have both.
Let l, e and p be the least latency, energy and product of the two of a layer in a state on R. Whatever mapping
D has there, its latency and energy lie in the convex set {x >= l, y >= e, x y >= p}, on which x + t y is least
at x = sqrt(t p), clipped to [l, p / e]. The shortest path by these values, v(t), is at most latency + t energy
of D, for every t. So latency and energy of D lie above all lines x + t y = v(t), and the product x y, concave
along a falling line, is least at a corner where two neighbouring lines meet (`_least_product`).

Steady states are not bounded: which parameters stay on chip is a greedy choice, which need not improve.

Floating point. Every step above is a sum, product, quotient or maximum, whose rounding is monotone, but for a
few differences and for ties between mappings, which count as equal to 1 part in 1e12. `SLACK` covers both.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from accel_models.chain import least_path, price_states, vector_totals
from accel_models.pricing import GOALS, ColumnPricer, Goal
from accel_models.ranges import Column, Ranges
from accel_models.threads import one_thread
from accel_models.workload import Layer, Workload

WEIGHTS = tuple(2.0 ** (step / 2) for step in range(-4, 5))
"""How much energy counts beside latency along the lines that bound their product, around equal parts."""

SLACK = 1e-11
"""By how much a bound may be wrong for rounding, as a share of it; whoever compares lowers it by that."""


@runtime_checkable
class Relaxable(ColumnPricer, Protocol):
    """A pricer whose prices can be bounded over boxes of designs.

    `axes` names the columns that a bound suffers most from where a box has several values of them.
    """

    @property
    def axes(self) -> tuple[str, ...]: ...  # noqa: D102 - see above

    def relax(self, ranges: Ranges, goal: Goal) -> Mapping[str, Column]:
        """The relaxation of n boxes: a column a property, as `designs` takes them.

        What does not bear on the goal is zero, so that boxes which differ in nothing else are alike.
        """


@one_thread()
def least_totals(
    pricer: Relaxable,
    columns: Mapping[str, Column],
    workload: Workload,
    goal: Goal,
    *,
    device: torch.device,
    reach: Any = None,
) -> NDArray[np.float64]:
    """The least latency, energy or product of both of a network on n relaxed designs, in s, J or Js, [n].

    Infinite where the network cannot run.

    Args:
        pricer: of the designs.
        columns: what it relaxed.
        workload: the network.
        goal: which of the three.
        device: where to price.
        reach: as for `Pricer.stack`.
    """
    designs = pricer.designs(columns, device, reach)
    ops = workload.vector_ops
    beside_s, beside_j = vector_totals(ops, pricer.vector(ops, designs, keep_activations=True))
    if not workload.layers:
        total = {"latency": beside_s, "energy": beside_j, "edp": beside_s * beside_j}[goal]
    elif goal == "edp":
        least_s, least_j, least_js = (_states(pricer, designs, workload.layers, each) for each in GOALS)
        total = _least_product(workload.layers, least_s, least_j, least_js, (beside_s, beside_j))
    else:
        path = least_path(workload.layers, _states(pricer, designs, workload.layers, goal))
        total = path + (beside_s if goal == "latency" else beside_j)
    found: NDArray[np.float64] = total.cpu().numpy()
    return found


def _states(pricer: Relaxable, designs: Any, layers: Sequence[Layer], goal: Goal) -> Tensor:
    """Least latency, energy or product of each layer in each state, [n, layer, state].

    Infinite where it cannot be; in every state of a layer that does not fit with its activations off chip.
    """
    costs = price_states(pricer, designs, layers, goal, keep_activations=True)
    value = {"latency": costs.latency_s, "energy": costs.energy_j, "edp": costs.latency_s * costs.energy_j}[
        goal
    ]
    return torch.where(torch.isfinite(costs.latency_s[..., :1]), value, torch.inf)


def _least_product(
    layers: Sequence[Layer],
    least_s: Tensor,
    least_j: Tensor,
    least_js: Tensor,
    beside: tuple[Tensor, Tensor],
) -> Tensor:
    """The least product of latency and energy, [n], as the module's text has it.

    Args:
        layers: of the network.
        least_s: least latency of each layer in each state, [n, layer, state].
        least_j: least energy, likewise.
        least_js: least product of the two, likewise.
        beside: latency and energy of everything else, [n] each.
    """
    beside_s, beside_j = beside
    x0 = least_path(layers, least_s) + beside_s
    y0 = least_path(layers, least_j) + beside_j
    there = torch.isfinite(least_js)
    p = torch.where(there, least_js, 1.0)
    low, high = torch.where(there, least_s, 1.0), torch.where(there, least_js / least_j, 1.0)
    found, before, last = torch.full_like(x0, torch.inf), x0, torch.zeros_like(x0)
    for weight in WEIGHTS:
        t = weight * x0 / y0
        x = torch.maximum(torch.minimum(torch.sqrt(t[:, None, None] * p), high), low)
        value = torch.where(there, x + t[:, None, None] * p / x, torch.inf)
        line = least_path(layers, value) + beside_s + t * beside_j
        y = (line - before) / (t - last)
        found, before, last = torch.minimum(found, (line - t * y) * y), line, t
    found = torch.minimum(found, (before - last * y0) * y0)
    return torch.where(torch.isfinite(x0 + y0), torch.maximum(found, x0 * y0), torch.inf)
