"""A space of your own: the published one narrowed by a YAML file, searched for the least energy.

Run it with `python examples/02_own_space.py`, or with another number of trials behind it.
"""

import sys
from pathlib import Path

from apollo_dse import recommend

SPACE = Path(__file__).with_name("own_space.yaml")


def main(trials: int = 200) -> None:
    """Ask which small accelerator runs ResNet-18 within 20 ms at the least energy.

    Args:
        trials: designs to price.
    """
    found = recommend(
        "resnet18", space=str(SPACE), objective="energy", constraints=["latency<=20ms"], trials=trials
    )
    print(found.summary())
    print("\nwhere the energy goes:")
    for layer in sorted(found.cost.layers, key=lambda layer: -layer.energy_j * layer.repeats)[:5]:
        parts = {part: joule * layer.repeats for part, joule in layer.energy_by_level_j.items()}
        print(
            f"  {layer.name:<20}", *(f"{part} {joule * 1e6:.1f} uJ" for part, joule in parts.items()), sep="  "
        )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
