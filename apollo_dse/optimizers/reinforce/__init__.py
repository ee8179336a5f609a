"""A recurrent controller that writes points token by token, and is taught by the trials told.

Zoph and Le, "Neural Architecture Search with Reinforcement Learning", ICLR 2017, arXiv 1611.01578; with a
queue of the best trials (Abolafia et al., "Neural Program Synthesis with Priority Queue Training", 2018, arXiv
1801.03526).

tokens        points -> sequences of tokens, and back
controller    a distribution over such sequences
policy        what the controller learns of trials
search        the optimizer: `Reinforce`
"""
