"""Bayesian optimization of mixed discrete spaces with limits and failing designs.

surrogate     a Gaussian process of one outcome
acquisition   how promising points are, given the processes
candidates    the best point by that measure, searched among the points themselves
trust         where to search when there are many parameters
search        the optimizer: `Bayesian`

Points become features in `apollo_dse.encoding`, trials become outcomes in `apollo_dse.outcomes`.
"""
