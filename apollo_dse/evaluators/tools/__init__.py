"""Published simulators as evaluators: our designs in their words, their runs, their numbers.

scalesim    SCALE-Sim: cycles of systolic arrays (PyPI: scalesim)
zigzag      ZigZag: its own mapper and its own cost of a mapping (PyPI: zigzag-dse)
timeloop    Timeloop: its count of the mappings that our model finds (timeloop-model on PATH)

None of them is imported. Each runs as a program of its own, below the supervisor of `command`, in an
environment that may be another than ours; docs/evaluators.md has what is translated, and what is refused.
"""
