"""scikit-learn's regressors, tuned by its randomized search, and which of them are worth keeping."""

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

Tunable = tuple[Any, dict[str, Any]]
"""A regressor, and what its hyper-parameters are drawn from, as `RandomizedSearchCV` takes them."""


def _ridge() -> Tunable:
    from scipy.stats import loguniform
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import PolynomialFeatures

    drawn = {"polynomialfeatures__degree": [1, 2], "ridge__alpha": loguniform(1e-2, 1e2)}
    return make_pipeline(PolynomialFeatures(include_bias=False), Ridge()), drawn


def _neighbours() -> Tunable:
    from scipy.stats import randint, uniform
    from sklearn.neighbors import KNeighborsRegressor

    return KNeighborsRegressor(weights="distance"), {"n_neighbors": randint(1, 9), "p": uniform(1, 1)}


def _process() -> Tunable:
    from scipy.stats import loguniform
    from sklearn.gaussian_process import GaussianProcessRegressor
    from sklearn.gaussian_process.kernels import Matern

    kernel = Matern(nu=2.5)
    drawn = {"kernel__length_scale": loguniform(0.3, 10), "alpha": loguniform(1e-4, 1)}
    return GaussianProcessRegressor(kernel, optimizer=None, normalize_y=True), drawn


def _forest() -> Tunable:
    from sklearn.ensemble import RandomForestRegressor

    return RandomForestRegressor(TREES), _of_trees()


def _extra_trees() -> Tunable:
    from sklearn.ensemble import ExtraTreesRegressor

    return ExtraTreesRegressor(TREES), _of_trees()


def _boosting() -> Tunable:
    from scipy.stats import loguniform, randint, uniform
    from sklearn.ensemble import GradientBoostingRegressor

    drawn = {
        "n_estimators": randint(30, 121),
        "learning_rate": loguniform(0.03, 0.3),
        "max_depth": randint(2, 6),
        "subsample": uniform(0.5, 0.5),
    }
    return GradientBoostingRegressor(), drawn


def _of_trees() -> dict[str, Any]:
    from scipy.stats import randint, uniform

    return {"max_features": uniform(0.3, 0.7), "min_samples_leaf": randint(1, 4)}


FAMILIES: Mapping[str, Callable[[], Tunable]] = {
    "ridge": _ridge,
    "neighbours": _neighbours,
    "process": _process,
    "forest": _forest,
    "extra_trees": _extra_trees,
    "boosting": _boosting,
}
"""Families of regressors, by name."""


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
    seed: int,
) -> list[Any]:
    """Regressors, not fitted, that explain the targets [n] of the rows [n, f]: of each family the best.

    Args:
        rows: features, of at least `FOLDS` trials.
        targets: what is to be predicted.
        families: names in `FAMILIES`.
        draws: sets of hyper-parameters that are drawn for each family.
        threshold: least coefficient of determination (R2), a mean over `FOLDS` folds.
        seed: of folds, draws and regressors.
    """
    from sklearn.model_selection import KFold, RandomizedSearchCV

    if np.ptp(targets) == 0:
        return []
    kept = []
    for family in families:
        regressor, drawn = FAMILIES[family]()
        if "random_state" in regressor.get_params():
            regressor.set_params(random_state=seed)
        folds = KFold(FOLDS, shuffle=True, random_state=seed)
        search = RandomizedSearchCV(
            regressor, drawn, n_iter=draws, scoring="r2", cv=folds, refit=False, random_state=seed
        ).fit(rows, targets)
        if search.best_score_ >= threshold:
            kept.append(regressor.set_params(**search.best_params_))
    return kept
