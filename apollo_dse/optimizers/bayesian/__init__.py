"""Bayesian optimization of mixed discrete spaces with limits and failing designs.

surrogate     a Gaussian process of one outcome
acquisition   how promising points are, given the processes
candidates    the best point by that measure, searched among the points themselves
trust         where to search when there are many parameters
believer      optimizers that suggest what their belief finds most promising
search        the one that learns from the trials alone: `Bayesian`

Points become features in `apollo_dse.encoding`, trials become outcomes in `apollo_dse.outcomes`.
"""
