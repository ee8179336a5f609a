"""How area and energy shrink from node to node: the fits of Stillmaker & Baas.

A. Stillmaker and B. Baas, "Scaling equations for the accurate prediction of CMOS device performance from
180 nm to 7 nm", Integration 58 (2017). Nodes between their columns are read off a straight line in log-log.
"""

from itertools import pairwise
from math import exp, log

SOURCE = "Stillmaker & Baas, Integration 58 (2017)"

# Area relative to 45 nm: the 45 nm row of their area table.
_AREA_FROM_45NM = {65: 1.5, 45: 1.0, 32: 0.46, 20: 0.21, 16: 0.19, 14: 0.17, 10: 0.10, 7: 0.059}

# Energy of a switching event, e2 V^2 + e1 V + e0, in their high-performance flavour: (e2, e1, e0).
_ENERGY_POLYNOMIAL = {
    65: (3.755, -4.398, 1.975),
    45: (1.018, -0.3107, 0.1539),
    32: (0.8367, -0.4341, 0.1701),
    20: (0.373, -0.1582, 0.04104),
    16: (0.2958, -0.1241, 0.03024),
    14: (0.2363, -0.09675, 0.02239),
    10: (0.2068, -0.09311, 0.02375),
    7: (0.1776, -0.09097, 0.02447),
}


def area_ratio(node_nm: float) -> float:
    """Area of a circuit at a node, relative to 45 nm (1 at 45 nm).

    Raises:
        ValueError: the node lies outside 7 to 65 nm.
    """
    return on_log_line(_AREA_FROM_45NM, node_nm)


def energy_ratio(node_nm: float, vdd_v: float) -> float:
    """Switching energy of a circuit at a node and supply, relative to 45 nm at 0.9 V.

    Raises:
        ValueError: the node lies outside 7 to 65 nm.
    """
    return _energy(node_nm, vdd_v) / _energy(45, 0.9)


def between(at_45nm: float, at_7nm: float, node_nm: float, vdd_v: float) -> float:
    """A value at a node between two published points, 45 nm at 0.9 V and 7 nm at 0.7 V.

    Geometric interpolation whose abscissa is the logarithm of Stillmaker & Baas' energy: their path, pinned
    at both ends to what was published for this very circuit.
    """
    progress = log(energy_ratio(node_nm, vdd_v)) / log(energy_ratio(7, 0.7))
    return at_45nm * exp(progress * log(at_7nm / at_45nm))


def _energy(node_nm: float, vdd_v: float) -> float:
    fits = {node: e2 * vdd_v**2 + e1 * vdd_v + e0 for node, (e2, e1, e0) in _ENERGY_POLYNOMIAL.items()}
    return on_log_line(fits, node_nm)


def on_log_line(values: dict[int, float], node_nm: float) -> float:
    """The value at a node on straight log-log lines between tabulated nodes, given largest first.

    Raises:
        ValueError: the node lies outside the table.
    """
    for (larger, at_larger), (smaller, at_smaller) in pairwise(values.items()):
        if smaller <= node_nm <= larger:
            weight = log(larger / node_nm) / log(larger / smaller)
            return exp((1 - weight) * log(at_larger) + weight * log(at_smaller))
    raise ValueError(f"`{min(values)} <= node_nm <= {max(values)}` must hold, but got {node_nm}")
