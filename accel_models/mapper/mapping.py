"""From a row of a search back to the nest that it stands for."""

from accel_models.analysis.timeloop.nest import Nest, NestLoop
from accel_models.mapper.chain import Chain
from accel_models.mapper.search import Move


def nest_of_row(chain: Chain, moves: list[Move], row: int) -> Nest:
    """The nest of a row of whole mappings."""
    loops: list[NestLoop] = []
    for move in reversed(moves):
        found: list[NestLoop] = []
        if move.spreads is not None:
            spread = move.spreads[row]
            found = [
                NestLoop(dim, trips, trips, move.level, "Y" if place < spread.along_y else "X")
                for place, (dim, trips) in enumerate(spread.loops)
            ]
        elif move.trips is not None and move.orders is not None:
            found = [
                NestLoop(dim, int(move.trips[row, dim]), int(move.trips[row, dim]), move.level)
                for dim in reversed(move.orders[row])
            ]
        loops += found
        row = int(move.parents[row])
    return Nest.of(chain.problem, loops, chain.keeps, chain.machine.meshes)
