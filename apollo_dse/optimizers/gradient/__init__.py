"""Descent along gradients, legal designs all the way.

search        ask and tell: centres, restarts, batches
descent       the two relaxations: a memory of coordinates, logits over choices
lines         what losses and limits do around a trial: from the problem's slopes, else from a surrogate
"""
