"""What crosses the boundary between two levels that keep an operand, in words.

At every step of the temporal loops above it, a child asks for the words of its new tile that its old tile did
not have. From one step to the next one temporal loop advances by 1 and all loops inside it go back from their
last setting to 0. For one such kind of step, a count summed over all settings of the loops outside, over all
instances and over all words is a product over the groups of dimensions (`tiles.GROUPS`) of sums that depend on
the group's own loops only:

    new           |new(x)|                                      over children x
    had           |new(x) & old(x)|
    union         |U new(x)|, the union over a parent's x       over parents
    unasked       |{w in U new(x): every x with w in new(x) has w in old(x)}|
    siblings_had  |U new(x) & U old(x)|
    old_union     |U old(x)|
    unreleased    |{w in U old(x): every x with w in old(x) has w in new(x)}|

`unasked` is a product since the children that touch a word are a product of sets, one per group, and "all of
them had it" holds for a product of sets iff it holds in each. What a multicast network must read,
|U (new(x) - old(x))|, is then `union - unasked`: a difference of two products, not a product of differences.
"""

from collections.abc import Iterable
from dataclasses import astuple, dataclass
from functools import reduce

import numpy as np

from accel_models.analysis.tiles import GROUPS, Indices, iterations, words_of
from accel_models.mapping import Mapping
from accel_models.workload import Dim, Layer, Operand


@dataclass(frozen=True, slots=True)
class Exchange:
    """Words that cross a boundary during one execution, over all instances.

    Attributes:
        requested: what the children ask for; as many are let go of, since none are kept for ever.
        entering: distinct words that the children of one parent ask for in one step.
        foreign: of the words of a parent's children, those that none of them had in the step before.
        leaving: distinct words that the children of one parent let go of in one step (or at the end).
        first_requested: `requested` in the first step.
        first_entering: `entering` in the first step.
    """

    requested: int
    entering: int
    foreign: int
    leaving: int
    first_requested: int
    first_entering: int


@dataclass(frozen=True, slots=True)
class Change:
    """One kind of step: sums of one group, or their products over the groups (see the module)."""

    new: int
    had: int
    union: int
    unasked: int
    siblings_had: int
    old_union: int
    unreleased: int

    def __mul__(self, other: "Change") -> "Change":
        return Change(*(a * b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Relation:
    """Who touches what when, in one group: a column i for every distinct combination.

    `positions` [l] are the group's iterating temporal loops above the child, outermost first, `trips` [l, 1]
    their trip counts and `steps` [l, i] their settings. `family` [i] labels the pair of parent instance and
    coordinate of the word, `child` [i] the child among its siblings.
    """

    positions: tuple[int, ...]
    trips: Indices
    steps: Indices
    family: Indices
    child: Indices

    def when(self, steps: Indices, columns: Indices) -> Indices:
        """Number the settings `steps` [o, i] of the o outermost loops, together with the columns' family."""
        number: Indices = np.zeros(steps.shape[1], dtype=np.int64)
        for trips, digits in zip(self.trips[:, 0], steps, strict=False):
            number = number * trips + digits
        return number * (int(self.family.max()) + 1) + self.family[columns]


def exchange(layer: Layer, mapping: Mapping, operand: Operand, parent: int, child: int | None) -> Exchange:
    """Words between a level that keeps an operand and the next one, or (None) the multiply-accumulate units.

    Units retain nothing: every operation asks for its words and lets go of them.
    """
    relations = [relation(layer, mapping, operand, group, (parent, child)) for group in GROUPS]
    first = _product(change(r, 0, advances=False) for r in relations)
    if child is None:
        distinct = 1
        for r in relations:
            distinct *= np.unique(r.when(r.steps, np.arange(r.family.size))).size
        return Exchange(layer.macs, distinct, distinct, distinct, first.new, first.union)
    # Before the first step all tiles are empty, and after the last one all are let go of.
    requested, entering, foreign, leaving = first.new, first.union, first.union, first.old_union
    for position in (position for r in relations for position in r.positions):
        step = _product(
            change(r, sum(p < position for p in r.positions), advances=position in r.positions)
            for r in relations
        )
        requested += step.new - step.had
        entering += step.union - step.unasked
        foreign += step.union - step.siblings_had
        leaving += step.old_union - step.unreleased
    return Exchange(requested, entering, foreign, leaving, first.new, first.union)


def relation(
    layer: Layer, mapping: Mapping, operand: Operand, group: tuple[Dim, ...], boundary: tuple[int, int | None]
) -> Relation:
    """Who touches which coordinate of a group's words when, at a boundary (parent level, child level)."""
    parent, child = boundary
    trips = mapping.trip_counts(layer)
    found = iterations(layer, mapping, group)
    above = [i for i in found.digits if trips[i] > 1 and (child is None or mapping.loops[i].level < child)]
    temporal = [i for i in above if not mapping.loops[i].is_spatial]
    spatial = [i for i in above if mapping.loops[i].is_spatial]
    word = words_of(layer, operand, found.index)
    outer = [found.digits[i] for i in spatial if mapping.loops[i].level < parent]
    inner = [found.digits[i] for i in spatial if mapping.loops[i].level >= parent]
    steps = np.stack([np.zeros_like(word), *(found.digits[i] for i in temporal)])[1:]
    family, siblings = _label(word, *outer), _label(np.zeros_like(word), *inner)
    distinct = np.unique(_label(family, siblings, *steps), return_index=True)[1]
    return Relation(
        positions=tuple(temporal),
        trips=np.array([[trips[i]] for i in temporal], dtype=np.int64).reshape(-1, 1),
        steps=steps[:, distinct],
        family=family[distinct],
        child=siblings[distinct],
    )


def change(relation: Relation, outside: int, *, advances: bool) -> Change:
    """Sums over one group when its loops after the first `outside` wrap around; their first one may advance.

    With `outside` = 0 and nothing advancing, "new" is the first step of all and "old" the last.
    """
    steps, trips = relation.steps, relation.trips
    fixed = outside + advances
    starts, ends = (steps[fixed:] == 0).all(axis=0), (steps[fixed:] == trips[fixed:] - 1).all(axis=0)
    outer_new = outer_old = steps[:fixed]
    if advances:
        starts, ends = starts & (steps[outside] > 0), ends & (steps[outside] < trips[outside] - 1)
        outer_old = np.concatenate([steps[:outside], steps[outside:fixed] + 1])
    new, old = np.flatnonzero(starts), np.flatnonzero(ends)
    siblings = int(relation.child.max()) + 1
    new_words = relation.when(outer_new[:, new], new) * siblings + relation.child[new]
    old_words = relation.when(outer_old[:, old], old) * siblings + relation.child[old]
    both_words = np.intersect1d(new_words, old_words, assume_unique=True)
    union, holders = np.unique(new_words // siblings, return_counts=True)
    old_union, old_holders = np.unique(old_words // siblings, return_counts=True)
    both, both_holders = np.unique(both_words // siblings, return_counts=True)
    return Change(
        new=new.size,
        had=both_words.size,
        union=union.size,
        unasked=int((holders[np.searchsorted(union, both)] == both_holders).sum()),
        siblings_had=np.intersect1d(union, old_union, assume_unique=True).size,
        old_union=old_union.size,
        unreleased=int((old_holders[np.searchsorted(old_union, both)] == both_holders).sum()),
    )


def _product(changes: Iterable[Change]) -> Change:
    return reduce(Change.__mul__, changes)


def _label(*columns: Indices) -> Indices:
    """Label [i] the distinct combinations of columns [i] by 0, 1, 2, ..."""
    label = np.zeros_like(columns[0])
    for column in columns:
        label = np.unique(label * (column.max() + 1) + column, return_inverse=True)[1]
    return label
