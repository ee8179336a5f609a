"""The main job: a network and a limit on area go in, the accelerator to build comes out.

Run it with `make demo`, or with another number of trials: `python examples/01_main_job.py 100`.
"""

import sys
from pathlib import Path
from time import perf_counter

from accel_models.trace import trace
from accel_models.zoo.networks.mobilenet import mobilenet_v2
from apollo_dse import recommend


def main(trials: int = 200, out: Path = Path("out")) -> None:
    """Trace MobileNetV2, search the published Apollo space, report.

    Args:
        trials: designs to price.
        out: the folder for the report.
    """
    start = perf_counter()
    module, example_inputs = mobilenet_v2()
    workload = trace(module, example_inputs, name="mobilenet_v2")
    traced = perf_counter()
    print(f"mobilenet_v2: {workload.macs / 1e6:.1f} million MACs, traced in {traced - start:.1f} s")

    found = recommend(workload, constraints=["area_mm2<=20"], objective="latency", trials=trials, seed=0)
    searched = perf_counter()
    print(f"{trials} of {found.study.problem.space.size:,} designs searched in {searched - traced:.1f} s\n")
    print(found.summary())

    layer, mapping = max(
        zip(workload.layers, found.mappings, strict=True), key=lambda pair: pair[0].macs * pair[0].repeats
    )
    print(f"\nhow {layer.name}, the layer with the most MACs, runs on it:")
    print(mapping.describe(layer, tuple(level.name for level in found.accelerator.levels)))

    out.mkdir(exist_ok=True)
    page = found.report(out / "demo-report.html")
    print(f"\nreport: {page}; {perf_counter() - start:.1f} s in all")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
