"""A program as an evaluator: what is run, what it is given, what it answers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from apollo_dse.evaluators.command.outputs import Output
from apollo_dse.evaluators.identity import digest_of

InputFormat = Literal["json", "yaml", "text"]


@dataclass(frozen=True, slots=True)
class Input:
    """The file that is written for each point: a mapping, or a `template` with placeholders."""

    format: InputFormat
    name: str
    template: str = ""


@dataclass(frozen=True, slots=True)
class Infeasibility:
    """How a program says that a design cannot be built or run: an exit code, a text in `source`, or both.

    The reason is `reason`; else the text's first group, or the text itself.

    Raises:
        ValueError: neither is there.
    """

    exit_code: int | None = None
    regex: str | None = None
    source: str = "stderr"
    reason: str | None = None

    def __post_init__(self) -> None:
        if self.exit_code is None and self.regex is None:
            raise ValueError("infeasibility must be told by `exit_code` or `regex`, but neither is given")


@dataclass(frozen=True, slots=True)
class Limits:
    """How patiently a program is run; none of it changes what is measured.

    `keep` is a folder for the directories of all runs; None: they are deleted.

    Raises:
        ValueError: a number is out of its range.
    """

    timeout_s: float = 3600.0
    memory_bytes: int | None = None
    retries: int = 0
    retry_after_s: float = 1.0
    keep: Path | None = None

    def __post_init__(self) -> None:
        if self.timeout_s <= 0:
            raise ValueError(f"`timeout_s > 0` must hold, but got timeout_s={self.timeout_s}")
        if self.memory_bytes is not None and self.memory_bytes <= 0:
            raise ValueError(f"`memory_bytes > 0` must hold, but got memory_bytes={self.memory_bytes}")
        if self.retries < 0 or self.retry_after_s < 0:
            got = f"retries={self.retries}, retry_after_s={self.retry_after_s}"
            raise ValueError(f"`retries >= 0` and `retry_after_s >= 0` must hold, but got {got}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A program, and how it is asked.

    `folder` is that of the file it was read from, `{here}` in the command. `files` are names and digests of
    what else the answers follow from: files that are listed, and those of the command that lie in the folder.
    """

    name: str
    folder: Path
    command: tuple[str, ...]
    outputs: tuple[Output, ...]
    input: Input | None = None
    infeasible: tuple[Infeasibility, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    environment: tuple[str, ...] = ()
    limits: Limits = Limits()

    @property
    def metrics(self) -> tuple[str, ...]:
        """Names of what is measured."""
        return tuple(output.metric for output in self.outputs)

    @property
    def fingerprint(self) -> str:
        """What is measured: digests of the description, without its limits and place, and of the files."""
        said = digest_of((self.command, self.input, self.outputs, self.infeasible, self.environment))
        return " ".join([f"command {self.name} description@{said}", *map("@".join, self.files)])
