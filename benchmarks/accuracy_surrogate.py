"""How well is the accuracy of a network predicted that nobody trained, and how sure is the prediction?

    python benchmarks/accuracy_surrogate.py --table accel_nasbench.csv.gz --space mnasnet --out FILE

Five folds of a table: ranks by Kendall, root mean square of the errors in points, and how many of the networks
that were held back lie within the intervals that should have 50, 80, 90 and 95 % of them.
"""

import argparse
import json
from pathlib import Path
from statistics import NormalDist

import numpy as np
from scipy.stats import kendalltau
from sklearn.model_selection import KFold

from apollo_dse.codesign.accuracy.rows import Rows, read
from apollo_dse.codesign.accuracy.surrogate import ACCURACY_STD, Surrogate
from search_spaces import network_space

INTERVALS = (0.5, 0.8, 0.9, 0.95)


def part(rows, places):
    """Some rows of a table."""
    points, accuracies = (tuple(each[i] for i in places) for each in (rows.points, rows.accuracies))
    return Rows(rows.column, points, accuracies)


def judged(space, rows, learned, held):
    """One fold."""
    found = Surrogate(space, part(rows, learned))(part(rows, held).points)
    expected, spread = (np.array([each.metrics[name] for each in found]) for name in ("accuracy", ACCURACY_STD))
    errors = expected - np.array(rows.accuracies)[held]
    bounds = [NormalDist().inv_cdf(0.5 + share / 2) for share in INTERVALS]
    return {
        "kendall": float(kendalltau(expected, np.array(rows.accuracies)[held]).statistic),
        "rmse_points": float(100 * np.sqrt(np.mean(errors**2))),
        "covered": [float(np.mean(np.abs(errors) < bound * spread)) for bound in bounds],
    }


def main():
    """Judge all folds, and write them with their means."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--table", required=True)
    parser.add_argument("--space", default="mnasnet")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    space = network_space(options.space)
    rows = read(options.table, space)
    folds = KFold(5, shuffle=True, random_state=0).split(rows.accuracies)
    found = [judged(space, rows, learned, held) for learned, held in folds]
    mean = {name: np.mean([fold[name] for fold in found], axis=0).round(4).tolist() for name in found[0]}
    print(f"{len(rows.points)} networks of {options.space}: {mean}, intervals {INTERVALS}")
    if options.out:
        answer = {"space": options.space, "networks": len(rows.points), "intervals": INTERVALS, "mean": mean}
        options.out.write_text(json.dumps({**answer, "folds": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
