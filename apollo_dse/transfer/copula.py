"""A process around what the priors' ranks say: for tasks whose scales have nothing in common.

Salinas, Shen, Perrone, "A Quantile-based Approach for Hyperparameter Transfer Learning", ICML 2020, arXiv
1909.13595: outcomes of each task are mapped to normal scores, so that neither units nor outliers nor any rising
function of them matters, and what they say together is a prior for a Gaussian process. There it is one network
over all tasks; here the combination of processes that `PretrainedPrior` makes, which learns from fewer trials.
"""

from typing import ClassVar

from apollo_dse.transfer.pretrained import PretrainedPrior


class Copula(PretrainedPrior):
    """As `PretrainedPrior`, with the priors' objectives by their ranks; limits and own trials keep their units.

    Arguments and errors are those of `Modelled`.
    """

    BY_RANK: ClassVar = True
