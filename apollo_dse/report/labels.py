"""Names for people: metrics, parameters, levels and blocks as words, numbers with their unit."""

import math

from apollo_dse.problem import ACCURACY, METRICS
from apollo_dse.report.document import Metric, Quantity, Value

LABELS = {
    "latency_s": "Latency",
    "energy_j": "Energy",
    "edp_js": "Energy × delay",
    "area_mm2": "Area",
    "power_w": "Power",
    "utilization": "Utilization",
    "steady_latency_s": "Steady latency",
    "steady_energy_j": "Steady energy",
}
UNITS = {
    "s": "s",
    "j": "J",
    "js": "J·s",
    "w": "W",
    "hz": "Hz",
    "mm2": "mm²",
    "bytes": "bytes",
    "entries": "entries",
}
CAPITALS = {
    "pe": "PE",
    "io": "I/O",
    "dram": "DRAM",
    "mac": "MAC",
    "sram": "SRAM",
    "simd": "SIMD",
    "rf": "RF",
    "dma": "DMA",
}
PREFIXES = tuple(
    zip(
        (10.0**e for e in range(15, -18, -3)),
        ("P", "T", "G", "M", "k", "", "m", "µ", "n", "p", "f"),
        strict=True,
    )
)
SCALED = {"s", "J", "J·s", "W", "Hz", "B", "B/s", "op/s"}
NO_BREAK = "\u00a0"
STORAGE_WORDS = {"memory", "registers", "register", "buffer", "scratchpad", "spad", "sram"}


def metric(name: str) -> Metric:
    """Label and unit of a metric; `latency_s:resnet50` is the latency of one workload."""
    base, _, workload = name.partition(":")
    if base in METRICS:
        label = LABELS.get(base, METRICS[base].alias.capitalize())
        unit = UNITS.get(METRICS[base].unit.lower(), METRICS[base].unit) or "share"
    else:
        stem, _, suffix = base.rpartition("_")
        unit = UNITS.get(suffix, "") if stem else ""
        label = words(stem if unit else base)
    return Metric(name=name, label=f"{label}, {workload}" if workload else label, unit=unit)


def words(name: str) -> str:
    """An identifier as words: `pe_memory` reads `PE memory`, `clock` reads `Clock`."""
    text = " ".join(CAPITALS.get(word.lower(), word) for word in name.replace("_", " ").split())
    return text[:1].upper() + text[1:]


def parameter_label(name: str, unit: str) -> str:
    """A parameter's name as words, without the unit that it ends in."""
    suffix = "_" + unit.lower().replace("/", "_per_")
    return words(name.removesuffix(suffix) if unit else name)


def child_name(level: str) -> str:
    """What a level that sits in it is called: `core_memory` sits in a `core`."""
    kept = [word for word in level.split("_") if word.lower() not in STORAGE_WORDS] or level.split("_")
    return " ".join(CAPITALS.get(word.lower(), word) for word in kept)


def named_quantity(name: str, value: Value) -> Quantity:
    """A number whose name ends in its unit (`dram_latency_s`, `weight_tile_bytes`)."""
    stem, _, suffix = name.rpartition("_")
    unit = UNITS.get(suffix, "") if stem else ""
    return Quantity(name=name, label=words(stem if unit else name), unit=unit, value=value)


def quantity(value: float, unit: str, digits: int = 3) -> str:
    """A number with its unit, by an SI prefix where the unit takes one: 0.00123 s reads `1.23 ms`."""
    if unit == "share":
        return f"{number(100 * value, digits)}{NO_BREAK}%"
    if unit not in SCALED or value == 0 or not math.isfinite(value):
        return f"{number(value, digits)}{NO_BREAK}{unit}" if unit else number(value, digits)
    size = float(f"{abs(value):.{digits}g}")
    scale, prefix = next(((s, p) for s, p in PREFIXES if size >= s), PREFIXES[-1])
    return f"{number(value / scale, digits)}{NO_BREAK}{prefix}{unit}"


def metric_text(name: str, value: float, digits: int | None = None) -> str:
    """A metric's value with its unit; accuracies, of which small differences count, with a digit more."""
    return quantity(value, metric(name).unit, digits or (4 if name == ACCURACY else 3))


def number(value: float, digits: int = 3) -> str:
    """At most `digits` significant digits; counts in full, thousands apart."""
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}".replace(",", "\u202f") if abs(value) >= 1e4 else str(int(value))
    text = f"{value:.{digits}g}"
    return f"{float(text):.0f}" if "e+" in text and abs(value) < 1e6 else text


def plural(count: int, word: str) -> str:
    """`1 trial`, `12 trials`."""
    return f"{number(count)} {word if count == 1 else several(word)}"


def several(word: str) -> str:
    """`PE` in the plural, `PEs`; what is a plural already, as `registers`, stays."""
    return word if word.endswith("s") else f"{word}s"


def lowered(label: str) -> str:
    """A label inside a sentence: `Latency` reads `latency`, `PE memory` and `I/O` stay."""
    return label if label[1:2].isupper() or label[1:2] == "/" else label[:1].lower() + label[1:]
