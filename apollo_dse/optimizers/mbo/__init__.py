"""Model-based optimization as in Apollo and P3BO: tuned regressors, kept where they predict, asked as one.

Angermueller et al., "Population-Based Black-Box Optimization for Biological Sequence Design", ICML 2020, arXiv
2006.03227; Apollo, arXiv 2102.01723.

regressors    an ensemble of scikit-learn's for one outcome, tuned by its randomized search
evolution     the points of which most is promised, bred from the best trials
search        the optimizer: `MBO`

Points become features in `apollo_dse.encoding`, trials become outcomes in `apollo_dse.outcomes`.
"""
