"""scikit-learn's regressors, tuned by its randomized search, and the ensemble of those that predict."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import loguniform, uniform
from sklearn.base import clone
from sklearn.dummy import DummyRegressor
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern
from sklearn.linear_model import Ridge
from sklearn.model_selection import KFold, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

FOLDS = 5
"""Of the cross-validation, as in Apollo."""

TREES = 8
"""Of a forest."""

LEAST_ERROR = 1e-4
"""No regressor is trusted more than to this mean squared error, as a share of the variance."""

Tunable = tuple[Any, dict[str, Any]]
"""A regressor, and what its hyper-parameters are drawn from, as `RandomizedSearchCV` takes them."""


def _ridge() -> Tunable:
    drawn = {"polynomialfeatures__degree": [1, 2], "ridge__alpha": loguniform(1e-2, 1e1)}
    return make_pipeline(PolynomialFeatures(include_bias=False), Ridge()), drawn


def _process() -> Tunable:
    drawn = {"kernel__length_scale": loguniform(0.5, 5), "alpha": loguniform(1e-4, 1e-1)}
    return GaussianProcessRegressor(Matern(nu=2.5), optimizer=None), drawn


def _trees() -> Tunable:
    return ExtraTreesRegressor(TREES, min_samples_leaf=2), {"max_features": uniform(0.5, 0.5)}


FAMILIES: Mapping[str, Callable[[], Tunable]] = {
    "ridge": _ridge,
    "process": _process,
    "trees": _trees,
}
"""Families of regressors, by name: a plane or a parabola, what is smooth, and what has steps."""


@dataclass(frozen=True, slots=True)
class Expert:
    """A regressor, and its mean squared error in cross-validation."""

    regressor: Any
    error: float


IGNORANT = Expert(DummyRegressor(), 1.0)
"""What is left where nothing predicts: the mean, which errs by the variance that standardized values have."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """Fitted experts on one outcome, asked as one.

    Each weighs by the inverse of its error. The variance is that of the mixture: the experts' own errors, and
    how far they disagree.
    """

    experts: tuple[Expert, ...]

    @classmethod
    def of(cls, experts: Sequence[Expert], x: NDArray[np.float64], y: NDArray[np.float64]) -> "Forecast":
        """The experts, without any the `IGNORANT` one, fitted to values `y` [n] at features `x` [n, d]."""
        fitted = [Expert(clone(each.regressor).fit(x, y), each.error) for each in experts or (IGNORANT,)]
        return cls(tuple(fitted))

    def predict(self, x: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Mean [n] and standard deviation [n] at features [n, d]."""
        predicted = np.stack([each.regressor.predict(x) for each in self.experts])  # [experts, n]
        errors = np.array([max(each.error, LEAST_ERROR) for each in self.experts])
        weights = (1 / errors) / (1 / errors).sum()
        mean: NDArray[np.float64] = weights @ predicted
        variance: NDArray[np.float64] = weights @ (errors[:, None] + (predicted - mean) ** 2)
        return mean, np.sqrt(variance)


def tuned(
    x: NDArray[np.float64],
    y: NDArray[np.float64],
    families: Sequence[str],
    draws: int,
    threshold: float,
    seed: int,
) -> list[Expert]:
    """Experts, not fitted: of each family the best, if it explains enough of the values.

    Args:
        x: features [n, d].
        y: standardized values [n]; of fewer than two for each fold, or all alike, nothing is learned.
        families: names in `FAMILIES`.
        draws: sets of hyper-parameters that are drawn for each family.
        threshold: least share of the variance that is explained in cross-validation.
        seed: of folds, draws and forests.
    """
    if len(y) < 2 * FOLDS or np.ptp(y) == 0:
        return []
    folds = KFold(FOLDS, shuffle=True, random_state=seed)
    kept = []
    for family in families:
        regressor, drawn = FAMILIES[family]()
        if "random_state" in regressor.get_params():
            regressor.set_params(random_state=seed)
        search = RandomizedSearchCV(
            regressor,
            drawn,
            n_iter=draws,
            scoring="neg_mean_squared_error",
            cv=folds,
            refit=False,
            random_state=seed,
        ).fit(x, y)
        if -search.best_score_ <= (1 - threshold) * y.var():
            kept.append(Expert(clone(regressor).set_params(**search.best_params_), -search.best_score_))
    return kept
