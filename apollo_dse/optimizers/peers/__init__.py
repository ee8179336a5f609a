"""Optimizers of other libraries behind the same two verbs, known by their names when they are installed.

What they suggest goes through `fresh`, as suggestions of ours do: what was tried, what the space's rules refuse
and what is known to fail before a trial is spent is asked for anew. Limits that are known only afterwards reach
them as far as their interface goes.
"""
