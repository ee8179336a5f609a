"""The three published Edge TPU generations on two networks: peak, utilization, what bounds each layer.

Published peaks: 26.2, 8.73 and 8.73 TOPS (Yazdanbakhsh et al., arXiv 2102.10423). Writes
results/edge_presets.json.

    python benchmarks/edge_presets.py
"""

import json
from collections import Counter
from pathlib import Path

from accel_models import zoo
from accel_models.cost import CostModel
from accel_models.templates.edge import PRESETS, build_edge

PUBLISHED_TOPS = {"edge-tpu-v1": 26.2, "edge-tpu-v2": 8.73, "edge-tpu-v3": 8.73}
NETWORKS = ("mobilenet_v2", "resnet50")
RESULTS = Path(__file__).parent / "results" / "edge_presets.json"


def main() -> None:
    """Price, print, write."""
    rows = []
    for preset, point in PRESETS.items():
        accelerator = build_edge(point)
        for network in NETWORKS:
            design = CostModel().evaluate([accelerator], zoo.workload(network)).design(0)
            time_s: Counter[str] = Counter()
            for layer in design.layers:
                time_s[layer.bound_by] += layer.repeats * layer.latency_s
            rows.append(
                {
                    "preset": preset,
                    "network": network,
                    "peak_tops": accelerator.peak_ops_per_s / 1e12,
                    "published_tops": PUBLISHED_TOPS[preset],
                    "latency_s": design.latency_s,
                    "energy_j": design.energy_j,
                    "area_mm2": design.area_mm2,
                    "utilization": design.utilization,
                    "share_of_time_by_bound": {name: s / design.latency_s for name, s in time_s.most_common()},
                }
            )
            print(f"{preset} {network}: {rows[-1]}")
            for layer in design.layers:
                if layer.macs:
                    print(f"    {layer.name:40} x{layer.repeats} {layer.utilization:6.1%} {layer.bound_by}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
