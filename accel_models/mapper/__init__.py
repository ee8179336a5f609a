"""Finds the best mapping of a projection problem on a chain of buffer levels, by Timeloop's rules of counting.

lattice     tile sizes: all perfect factors of a problem, and what tiles of a size hold
chain       the machine as the search sees it: what a word costs where, for one choice of kept operands
orders      which loop orders differ in what they reuse
arrays      ways to spread loops over an array of children
bounds      the least that can still come, for every tile size
fronts      partial mappings as columns; steps outwards; those that are dominated go
search      the search over all of it
mapping     from the winner back to a nest

docs/mapper.md says what is enumerated and why the result is the optimum.
"""
