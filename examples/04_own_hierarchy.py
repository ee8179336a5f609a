"""A hierarchy of your own: levels of memory from a YAML file, searched for the least energy-delay product.

Run it with `python examples/04_own_hierarchy.py`, or with another number of trials behind it. The first run
searches mappings for this structure, some seconds a layer shape; later ones find them on disk.
"""

import sys
from pathlib import Path

from accel_models import Layer, Workload
from apollo_dse import recommend

SPACE = Path(__file__).with_name("own_hierarchy.yaml")
PERCEPTRON = Workload(
    name="perceptron",
    layers=(Layer(name="hidden", n=16, c=784, k=256), Layer(name="classes", n=16, c=256, k=10)),
)


def main(trials: int = 100) -> None:
    """Ask which array and buffer classify 16 digits best, within 2 mm2.

    Args:
        trials: designs to price.
    """
    found = recommend(PERCEPTRON, space=str(SPACE), objective="edp", constraints=["area<=2mm2"], trials=trials)
    print(found.summary())
    names = tuple(level.name for level in found.accelerator.levels)
    for layer, mapping in zip(found.workload.layers, found.mappings, strict=True):
        print(f"\nhow {layer.name} runs on it:")
        print(mapping.describe(layer, names))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
