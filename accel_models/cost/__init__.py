"""What accelerators cost on a workload: latency, energy, area, power, in batches, on any torch device.

`CostModel.evaluate` asks the dataflow of the designs (`accel_models.dataflows`) for the best mapping of every
layer and adds the layers up. Layers run one after the other; what stays on chip between two of them is decided
for the network as a whole (`chain`).

`latency_s` is that of an inference by itself, with every parameter read from DRAM. In a stream of inferences
parameters can stay on chip, as far as there is room (`caching`): that is the steady state.
"""

from accel_models.cost.model import CostModel
from accel_models.cost.records import Costs, DesignCost, Itemized, LayerCost, Totals

__all__ = ["CostModel", "Costs", "DesignCost", "Itemized", "LayerCost", "Totals"]
