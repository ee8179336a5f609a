"""Reads descriptions from dictionaries, text and files into plain data, one dictionary a document."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

import yaml

from accel_models.bounded import read_text

Document = Mapping[str, Any]
Source = Document | str | Path | Iterable[Document | str | Path]
"""A dictionary, a file (or a folder of them), text of YAML documents or of JSON, or a list of those."""

TAG = "!"
"""Key under which a YAML tag such as `!Component` is kept beside the keys of its mapping."""

PARTS = ("architecture", "problem", "mapping", "ERT", "variables")
OTHERS = re.compile(r"mapper|mapspace|.*constraints.*|.*components.*|sparse_.*|globals.*|ART|layout")
"""What a case consists of, and what else Timeloop reads, which has no bearing on given mappings."""

TEXT = re.compile(r"\n|: |^\s*[{\[]")
"""What marks a string as text; others are paths."""

SUFFIXES = (".yaml", ".yml", ".json")

MAX_BYTES = 64 << 20
MAX_NODES = 1_000_000
"""Larger texts are refused, and more values: a few aliases of aliases could stand for any number of them."""


class _Loader(yaml.SafeLoader):
    """The safe loader, with Timeloop's tags kept as data; it refuses keys given twice, and too many values."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._sizes: dict[int, int] = {}

    def compose_document(self) -> yaml.Node | None:
        node = super().compose_document()
        if node is not None and self._size(node) > MAX_NODES:
            raise yaml.YAMLError(f"at most {MAX_NODES} values are read, but aliases stand for more")
        return node

    def _size(self, node: yaml.Node) -> int:
        """Values of a node, those that aliases stand for counted each time; too many, where it holds itself."""
        if isinstance(node, yaml.ScalarNode):
            return 1
        if id(node) not in self._sizes:
            self._sizes[id(node)] = MAX_NODES + 1
            parts = node.value if isinstance(node, yaml.SequenceNode) else chain.from_iterable(node.value)
            self._sizes[id(node)] = 1 + sum(map(self._size, parts))
        return self._sizes[id(node)]

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise yaml.YAMLError(f"keys must not repeat, but {key.value!r} does{key.start_mark}")
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else id(key))
        return node


def _tagged(loader: _Loader, tag: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.MappingNode):
        return {TAG: tag, **loader.construct_mapping(node, deep=True)}
    if isinstance(node, yaml.SequenceNode):
        return {TAG: tag, "nodes": loader.construct_sequence(node, deep=True)}
    return loader.construct_scalar(node)  # type: ignore[arg-type]


_Loader.add_multi_constructor("!", _tagged)


def documents(source: Source) -> Iterator[dict[str, Any]]:
    """All documents of a source.

    Raises:
        ValueError: text is neither YAML nor JSON, a document is no dictionary, or a folder has none.
        OSError: a file cannot be read.
    """
    if isinstance(source, Mapping):
        yield dict(source)
    elif isinstance(source, str | Path):
        yield from _from_text(source)
    else:
        items = list(source)
        if _are_directives(items):
            yield {"mapping": items}
        else:
            for each in items:
                yield from documents(each)


def _are_directives(items: Any) -> bool:
    """Whether this is the list of a mapping's directives, which may go without a name."""
    return isinstance(items, list) and any(isinstance(each, Mapping) and "target" in each for each in items)


def _from_text(source: str | Path) -> Iterator[dict[str, Any]]:
    if isinstance(source, str) and TEXT.search(source) and not Path(source[:255]).exists():
        yield from _parsed(source, "the text")
        return
    path = Path(source)
    if path.is_dir():
        files = sorted(each for each in path.iterdir() if each.suffix in SUFFIXES)
        if not files:
            raise ValueError(f"a folder must hold files that end in {', '.join(SUFFIXES)}, but {path} has none")
        yield from documents(files)
    else:
        yield from _parsed(read_text(path, MAX_BYTES, "a description"), str(path))


def _parsed(text: str, where: str) -> Iterator[dict[str, Any]]:
    try:
        if text.lstrip().startswith("{"):
            found = [json.loads(text, object_pairs_hook=_unique)]
        else:
            found = [each for each in yaml.load_all(text, _Loader) if each is not None]
    except RecursionError:
        raise ValueError(f"{where} must not be nested that deeply") from None
    except (yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"{where} must be YAML or JSON, but: {error}") from error
    for each in found:
        if _are_directives(each):
            yield {"mapping": each}
            continue
        if not isinstance(each, dict):
            raise ValueError(f"{where} must hold dictionaries at the top, but holds a {type(each).__name__}")
        yield each


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("keys must not repeat, but one does")
    return found


def parts(sources: Mapping[str, Source], others: Iterable[Source]) -> dict[str, Any]:
    """The parts of a case by name (`PARTS`), from sources that are one part each and sources that name theirs.

    A document with one of the names at its top is that part, or several; any other is the part it was given as.

    Raises:
        ValueError: a part is given twice, or a document is neither.
    """
    found: dict[str, Any] = {}
    for name, source in [*sources.items(), *(("", other) for other in others)]:
        for document in documents(source):
            named = {part: document[part] for part in PARTS if part in document}
            if not named and any(OTHERS.fullmatch(str(key)) for key in document):
                continue
            if not named and not name:
                keys = ", ".join(map(str, document))
                raise ValueError(f"a document must have one of the keys {', '.join(PARTS)}, but has {keys}")
            named = named or {name: document}
            for part, content in named.items():
                if part in found and found[part] != content:
                    raise ValueError(f"the {part} must be given once, but there are several")
                found[part] = content
    return found
