"""A simulator for `06_own_simulator.py`: a stencil's accesses to a set-associative cache, one by one."""

import json
import sys
from pathlib import Path

cache = json.loads(Path(sys.argv[1]).read_text())
ways, line, size = cache["ways"], cache["line_bytes"], cache["size_bytes"]
sets = size // (ways * line)
if sets < 1:
    sys.exit(f"no cache: it must have a set, but {ways} ways of {line} bytes exceed {size} bytes")
kept: list[list[int]] = [[] for _ in range(sets)]
cycles = 0
for row in range(24):
    for column in range(0, 4096, 16):
        for near in range(3):
            tag = ((row + near) * 4096 + column) // line
            lines = kept[tag % sets]
            cycles += 1 + (ways > 4)
            if tag in lines:
                lines.remove(tag)
            else:
                cycles += 40 + line // 8
                del lines[: len(lines) - ways + 1]
            lines.append(tag)
print(json.dumps({"cycles": cycles, "area_um2": 1.6 * size + 900 * ways + 2000 * line / 64}))
