"""scikit-learn's regressors with random hyper-parameters, and which of them are worth keeping."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from search_spaces.parameter import Categorical
from search_spaces.space import Point, SearchSpace

FOLDS = 5
"""Of the cross-validation."""

TREES = 50
"""Of the forests."""


def _ridge(rng: np.random.Generator) -> Any:
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    degree = int(rng.integers(1, 3))
    return make_pipeline(PolynomialFeatures(degree, include_bias=False), Ridge(10 ** rng.uniform(-2, 2)))


def _neighbours(rng: np.random.Generator) -> Any:
    from sklearn.neighbors import KNeighborsRegressor

    return KNeighborsRegressor(int(rng.integers(1, 9)), weights="distance", p=float(rng.uniform(1, 2)))


def _process(rng: np.random.Generator) -> Any:
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern

    kernel = Matern(10 ** rng.uniform(-0.5, 1), nu=float(rng.choice([1.5, 2.5])))
    return GaussianProcessRegressor(kernel, alpha=10 ** rng.uniform(-4, 0), optimizer=None, normalize_y=True)


def _forest(rng: np.random.Generator) -> Any:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(TREES, **_of_trees(rng))


def _extra_trees(rng: np.random.Generator) -> Any:
    from sklearn.ensemble import ExtraTreesRegressor

    return ExtraTreesRegressor(TREES, **_of_trees(rng))


def _boosting(rng: np.random.Generator) -> Any:
    from sklearn.ensemble import GradientBoostingRegressor

    return GradientBoostingRegressor(
        n_estimators=int(rng.integers(30, 121)),
        learning_rate=10 ** rng.uniform(-1.5, -0.5),
        max_depth=int(rng.integers(2, 6)),
        subsample=float(rng.uniform(0.5, 1.0)),
        random_state=int(rng.integers(2**31)),
    )


def _of_trees(rng: np.random.Generator) -> dict[str, Any]:
    return {
        "max_features": float(rng.uniform(0.3, 1.0)),
        "min_samples_leaf": int(rng.integers(1, 4)),
        "random_state": int(rng.integers(2**31)),
    }


FAMILIES: Mapping[str, Callable[[np.random.Generator], Any]] = {
    "ridge": _ridge,
    "neighbours": _neighbours,
    "process": _process,
    "forest": _forest,
    "extra_trees": _extra_trees,
    "boosting": _boosting,
}
"""Families of regressors, by name: each makes one with hyper-parameters drawn at random."""


def features(space: SearchSpace, points: Sequence[Point]) -> NDArray[np.float64]:
    """Columns [n, f] of `n` points: numbers by their place in the range, categories one-hot."""
    units = space.to_unit(points)
    columns = []
    for parameter, column in zip(space.parameters, units.T, strict=True):
        if isinstance(parameter, Categorical):
            places = [parameter.to_unit(value) for value in parameter.values]
            columns.append((column[:, None] == np.array(places)).astype(np.float64))
        else:
            columns.append(column[:, None])
    return np.concatenate(columns, axis=1)


def tuned(
    rows: NDArray[np.float64],
    targets: NDArray[np.float64],
    families: Sequence[str],
    draws: int,
    threshold: float,
    rng: np.random.Generator,
) -> list[Any]:
    """Regressors, not fitted, that explain the targets [n] of the rows [n, f]: of each family the best.

    Args:
        rows: features.
        targets: what is to be predicted.
        families: names in `FAMILIES`.
        draws: sets of hyper-parameters that are drawn for each family.
        threshold: least coefficient of determination (R2) in cross-validation.
        rng: source of chance.
    """
    folds = rng.permutation(np.arange(len(rows)) % FOLDS)
    kept = []
    for family in families:
        drawn = [FAMILIES[family](rng) for _ in range(draws)]
        scores = [explained(regressor, rows, targets, folds) for regressor in drawn]
        best = int(np.argmax(scores))
        if scores[best] >= threshold:
            kept.append(drawn[best])
    return kept


def explained(
    regressor: Any, rows: NDArray[np.float64], targets: NDArray[np.float64], folds: NDArray[np.int64]
) -> float:
    """R2 of the predictions of each fold [n] by the other folds; at most 1, and minus infinity where it is none."""
    from sklearn.base import clone

    predicted = np.empty(len(targets))
    for fold in np.unique(folds):
        inside = folds == fold
        predicted[inside] = clone(regressor).fit(rows[~inside], targets[~inside]).predict(rows[inside])
    spread = ((targets - targets.mean()) ** 2).sum()
    return float(1 - ((targets - predicted) ** 2).sum() / spread) if spread > 0 else -np.inf
