"""What tests of pages share: the blocks of a page, and how commands that it shows are run."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from apollo_dse.cli import main
from apollo_dse.evaluators import memory

ROOT = Path(__file__).parent.parent
FENCE = re.compile(r"^```(?P<language>\w*)(?: title=(?P<title>\S+))?\n(?P<text>.*?)^```$", re.M | re.S)
NAME = "apollo-dse"


class Page:
    """A page of the project by its path from the root, such as `docs/tutorial.md`."""

    def __init__(self, path: str) -> None:
        self.text = (ROOT / path).read_text(encoding="utf-8")

    def blocks(self, *languages: str) -> list[tuple[str, str]]:
        """Fenced blocks of these languages (of all without), as language and text, in their order."""
        found = [(each["language"], each["text"]) for each in FENCE.finditer(self.text)]
        return [each for each in found if not languages or each[0] in languages]

    def block(self, language: str) -> str:
        """The one block of that language."""
        [(_, text)] = self.blocks(language)
        return text

    @property
    def files(self) -> list[tuple[str, str]]:
        """The blocks that are files, as language and text."""
        return [(each["language"], each["text"]) for each in FENCE.finditer(self.text) if each["title"]]

    def write_files(self, folder: Path) -> None:
        """Write every block that has a title into a file of that name."""
        for found in FENCE.finditer(self.text):
            if found["title"]:
                (folder / found["title"]).write_text(found["text"], encoding="utf-8")


def commands(text: str) -> Iterator[list[str]]:
    """The words of each command of a block, the program's name left out; a backslash continues a line."""
    for line in text.replace("\\\n", " ").splitlines():
        name, *words = shlex.split(line, comments=True)
        assert name == NAME, line
        yield words


def run_commands(text: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run the commands of a block in their order; all must succeed. Returns what they said on stdout."""
    said = ""
    for words in commands(text):
        code = main(words)
        told = capsys.readouterr()
        assert code == 0, f"{words}: {told.err}"
        said += told.out
    return said


def told(text: str) -> str:
    """A line as it may be compared: blanks are one, and seconds, which no two runs share, are `T s`."""
    return re.sub(r"\b\d+(\.\d+)? s\b", "T s", " ".join(text.split()))


def follow(page: Page, capsys: pytest.CaptureFixture[str]) -> None:
    """Run the blocks of commands and of Python of a page, in order; what it shows behind one must be printed.

    A block of the language `text` shows lines of the output of the block before it, in their order.
    """
    said = ""
    for language, text in page.blocks():
        if language == "sh":
            said = run_commands(text, capsys)
        elif language == "python" and (language, text) not in page.files:
            exec(compile(text, "page", "exec"), {"__name__": "page"})
            said = capsys.readouterr().out
        elif language == "text" and (language, text) not in page.files:
            printed = iter([told(line) for line in said.splitlines()])
            missing = [line for line in text.splitlines() if line.strip() and told(line) not in printed]
            assert not missing, f"{missing} are not in order in:\n{said}"


def in_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder, with a store and simulations of its own."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("APOLLO_DSE_STORE", raising=False)
    monkeypatch.setattr(memory, "folder", lambda: folder / "cache")
