"""The law of the counts, executed: a plain interpreter of one mapping that moves real numbers and counts them.

Every instance of every level is a dictionary from word to number. Nothing is derived, nothing is skipped: at
every step each instance drops what its tile no longer touches and asks its parent for what is new, and every
multiply-accumulate unit multiplies the numbers that reached it. If the counts are those of an execution that
could not work, a word is missing on the way or the outputs in DRAM are wrong.

Words of outputs carry (sum, number of products in it), or None where an instance makes room for a word but no
partial sum came with it. Read-only words carry the number itself.
"""

from collections import Counter, defaultdict
from itertools import pairwise, product

import numpy as np

from accel_models import OPERANDS, BufferLevel, Layer, Mapping


class Execution:
    """One layer, run by one mapping on a chain of levels; counts in `counts`, results in `outputs`."""

    def __init__(self, layer: Layer, mapping: Mapping, levels: tuple[BufferLevel, ...], seed: int = 0):
        self.layer, self.mapping, self.levels = layer, mapping, levels
        self.mac_level = len(levels)
        self.trips = mapping.trip_counts(layer)
        # chains[operand]: the levels that keep it, outermost first, then the units as the last "level"
        self.chains = {operand: (*mapping.kept_levels(operand), self.mac_level) for operand in OPERANDS}
        self.counts = Counter()  # (what, operand, level) -> words; ("macs",), ("cycles",) and so on
        self.draw_tensors(np.random.default_rng(seed))
        self.find_tiles()
        self.held = {
            (operand, level): defaultdict(dict) for operand in OPERANDS for level in self.chains[operand]
        }
        self.held["weights", 0][()] = dict(self.tensors["weights"])
        self.held["inputs", 0][()] = dict(self.tensors["inputs"])
        self.held["outputs", 0][()] = dict.fromkeys(self.tiles["outputs", 0, (), ()])
        self.run()

    # ---- the problem ------------------------------------------------------------------------------------

    def words(self, n, g, k, c, p, q, r, s):
        """The word of each operand that one iteration touches."""
        row = p * self.layer.stride[0] + r * self.layer.dilation[0]
        column = q * self.layer.stride[1] + s * self.layer.dilation[1]
        return {"weights": (g, k, c, r, s), "inputs": (n, g, c, row, column), "outputs": (n, g, k, p, q)}

    def draw_tensors(self, rng):
        """Random integers for the inputs and weights, and the outputs as the definition has them."""
        self.tensors = {"weights": {}, "inputs": {}, "outputs": Counter()}
        for index in product(*(range(bound) for bound in self.layer.bounds.values())):
            words = self.words(*index)
            weight = self.tensors["weights"].setdefault(words["weights"], int(rng.integers(-99, 100)))
            number = self.tensors["inputs"].setdefault(words["inputs"], int(rng.integers(-99, 100)))
            self.tensors["outputs"][words["outputs"]] += weight * number

    # ---- the nest ---------------------------------------------------------------------------------------

    def settings(self, *, spatial, below):
        """All settings of the spatial (or temporal) loops of levels < `below`, outermost slowest."""
        chosen = [
            range(trips)
            for loop, trips in zip(self.mapping.loops, self.trips, strict=True)
            if loop.is_spatial == spatial and loop.level < below
        ]
        return product(*chosen)

    def iteration(self, step, unit):
        """The iteration that a unit executes at a step: eight indices, or None where it idles."""
        step, unit = iter(step), iter(unit)
        start, size = dict.fromkeys(self.layer.bounds, 0), self.layer.bounds
        for loop in self.mapping.loops:
            offset = next(unit if loop.is_spatial else step) * loop.tile
            start[loop.dim] += offset
            size[loop.dim] = min(loop.tile, size[loop.dim] - offset)
            if size[loop.dim] <= 0:
                return None
        return tuple(start.values())

    def cut(self, digits, *, spatial, level):
        """The digits of the loops of levels < `level` out of a full setting."""
        return digits[: sum(loop.is_spatial == spatial and loop.level < level for loop in self.mapping.loops)]

    def find_tiles(self):
        """tiles[operand, level, step, instance]: the words that its in-range iterations touch."""
        self.tiles = defaultdict(set)
        everywhere = range(self.mac_level + 1)
        units = list(self.settings(spatial=True, below=self.mac_level))
        cuts = {unit: [self.cut(unit, spatial=True, level=level) for level in everywhere] for unit in units}
        busy = [set() for _ in everywhere]
        for step in self.settings(spatial=False, below=self.mac_level):
            self.counts["cycles",] += 1
            steps = [self.cut(step, spatial=False, level=level) for level in everywhere]
            for unit in units:
                if (index := self.iteration(step, unit)) is None:
                    continue
                self.counts["macs",] += 1
                words = self.words(*index)
                for level in everywhere:
                    busy[level].add(cuts[unit][level])
                    for operand in OPERANDS:
                        self.tiles[operand, level, steps[level], cuts[unit][level]].add(words[operand])
        for level in everywhere:
            self.counts["used", level] = len(busy[level])

    # ---- the run ----------------------------------------------------------------------------------------

    def run(self):
        """All steps: leave innermost first, enter outermost first, multiply; at the end everything leaves."""
        for number, step in enumerate(self.settings(spatial=False, below=self.mac_level)):
            self.leave(step)
            for operand in OPERANDS:
                for parent, child in pairwise(self.chains[operand]):
                    enter = self.enter_outputs if operand == "outputs" else self.enter_read_only
                    enter(operand, parent, child, step)
            self.multiply()
            if number == 0:
                for operand in ("weights", "inputs"):
                    self.counts["first", operand] = self.counts["reads", operand, 0]
        self.leave(None)
        self.outputs = {word: value[0] for word, value in self.held["outputs", 0][()].items()}

    def children(self, operand, parent, child, step):
        """(parent instance, {child instance: tile at this step}) for all instances of a boundary."""
        families = defaultdict(dict)
        for instance in self.settings(spatial=True, below=child):
            tile = set()
            if step is not None:
                key = operand, child, self.cut(step, spatial=False, level=child), instance
                tile = self.tiles.get(key, tile)
            families[self.cut(instance, spatial=True, level=parent)][instance] = tile
        return families.items()

    def enter_read_only(self, operand, parent, child, step):
        """Children ask for what is new, drop what is not needed, and receive from the parent or a sibling."""
        network = self.levels[parent].network
        for above, tiles in self.children(operand, parent, child, step):
            store = self.held[operand, parent][above]
            old = {below: dict(self.held[operand, child][below]) for below in tiles}
            asked = {below: tile - old[below].keys() for below, tile in tiles.items()}
            siblings = {word: value for words in old.values() for word, value in words.items()}
            self.counts["fills", operand, child] += sum(len(words) for words in asked.values())
            if network == "unicast":
                self.counts["reads", operand, parent] += sum(len(words) for words in asked.values())
            elif network == "multicast":
                self.counts["reads", operand, parent] += len(set().union(*asked.values()))
            else:
                self.counts["reads", operand, parent] += len(set().union(*tiles.values()) - siblings.keys())
            for below, tile in tiles.items():
                source = {**store, **siblings} if network == "mesh" else store
                arriving = {word: source[word] for word in asked[below]}
                staying = {word: value for word, value in old[below].items() if word in tile}
                self.held[operand, child][below] = staying | arriving

    def enter_outputs(self, operand, parent, child, step):
        """Of the children that make room for a word, one takes the parent's partial sum if there is one."""
        for above, tiles in self.children(operand, parent, child, step):
            store = self.held[operand, parent][above]
            for below, tile in tiles.items():
                mine = self.held[operand, child][below]
                for word in tile - mine.keys():
                    mine[word], store[word] = store[word], None
                    if mine[word] is not None:
                        self.counts["reads", operand, parent] += 1
                        self.counts["fills", operand, child] += 1

    def leave(self, step):
        """Output words that are no longer touched at `step` (None: at the end) go up, innermost level first."""
        for parent, child in reversed(list(pairwise(self.chains["outputs"]))):
            for above, tiles in self.children("outputs", parent, child, step):
                leaving = defaultdict(list)
                for below, tile in tiles.items():
                    mine = self.held["outputs", child][below]
                    for word in mine.keys() - tile:
                        leaving[word].append(mine.pop(word))
                self.collect(parent, child, above, leaving)

    def collect(self, parent, child, above, leaving):
        """Add what left several children at once in the network (if it can) and pass it to the parent."""
        for word, members in leaving.items():
            values = [value for value in members if value is not None]
            self.counts["drains", "outputs", child] += len(values)
            if values and self.levels[parent].network != "unicast":
                self.counts["reductions", parent] += len(values) - 1
                values = [tuple(map(sum, zip(*values, strict=True)))]
            for value in values:
                self.update(parent, self.held["outputs", parent][above], word, value)

    def update(self, level, store, word, value):
        """One partial sum arrives; if it meets another, that one is read and both are added."""
        self.counts["updates", "outputs", level] += 1
        if store[word] is not None:
            self.counts["reads", "outputs", level] += 1
            value = store[word][0] + value[0], store[word][1] + value[1]
        store[word] = value
        self.counts["finals", level] += value[1] == self.layer.c * self.layer.r * self.layer.s

    def multiply(self):
        """Every unit that has its three words multiplies, accumulates, and lets go of all of them."""
        parent, child = self.chains["outputs"][-2:]
        gathered = defaultdict(lambda: defaultdict(list))
        for unit, words in self.held["outputs", child].items():
            for word, partial in words.items():
                (weight,) = self.held["weights", child][unit].values()
                (number,) = self.held["inputs", child][unit].values()
                total, products = partial or (0, 0)
                above = self.cut(unit, spatial=True, level=parent)
                gathered[above][word].append((total + weight * number, products + 1))
        for operand in OPERANDS:
            self.held[operand, child].clear()
        for above, leaving in gathered.items():
            self.collect(parent, child, above, leaving)
