"""The site: pages of this folder, the project's own pages, and the reference from docstrings.

`make docs` builds it into build/docs; any warning is an error.
"""

import re
from pathlib import Path
from textwrap import dedent

from cyclopts import App
from sphinx.application import Sphinx

from apollo_dse.cli.app import build_app

HERE = Path(__file__).parent
ROOT = HERE.parent

project = "apollo-dse"
author = copyright = "The apollo-dse authors"
release = re.findall(r'^version = "(.+)"$', (ROOT / "pyproject.toml").read_text(encoding="utf-8"), re.M)[0]

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "furo"
html_title = f"apollo-dse {release}"
html_copy_source = False
highlight_language = "none"
default_role = "code"

myst_heading_anchors = 3

autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True

PROJECT_PAGES = {
    "project/architecture": "ARCHITECTURE.md",
    "project/contributing": "CONTRIBUTING.md",
    "project/changelog": "CHANGELOG.md",
}
"""Pages of the site that are files of the project's root."""

TITLED = re.compile(r"^```(\w+) (?:title|into)=(\S+)$", re.M)
"""The head of a block of code that is a file; its name becomes the caption."""


def setup(app: Sphinx) -> None:
    """Connect what changes pages and docstrings before they are parsed."""
    app.connect("source-read", read)
    app.connect("autodoc-process-docstring", plain, priority=400)
    app.connect("autodoc-process-docstring", whole, priority=600)


def read(app: Sphinx, page: str, source: list[str]) -> None:
    """Put help texts and root files in place of their pages, and pages that none lists into the index."""
    if page == "reference/commands":
        source[0] = commands()
    elif page in PROJECT_PAGES:
        source[0] = moved((ROOT / PROJECT_PAGES[page]).read_text(encoding="utf-8"))
    elif page == app.config.root_doc:
        others = {file.stem for file in HERE.glob("*.md")} - {page, *source[0].split()}
        source[0] = source[0].replace("OTHERS", "\n".join(sorted(others)))
    source[0] = TITLED.sub(r"```{code-block} \1\n:caption: \2\n", source[0])


def moved(text: str) -> str:
    """The text of a root file as a page of the folder `project`: its links lead to pages of the site."""
    pages = {file: f"{page.rpartition('/')[2]}.md" for page, file in PROJECT_PAGES.items()}
    text = text.replace("](docs/", "](../")
    return re.sub(r"\]\((\w+\.md)\)", lambda found: f"]({pages.get(found[1], found[1])})", text)


def plain(app: Sphinx, what: str, name: str, subject: object, options: object, lines: list[str]) -> None:
    """Docstrings set code off as Markdown does, by an empty line and four spaces; Sphinx wants `::`."""
    marked: list[str] = []
    last = ""
    for line in lines:
        indent, behind = (len(text) - len(text.lstrip()) for text in (line, last))
        if line.strip() and last.strip() and not marked[-1].strip() and indent >= behind + 4:
            marked += [last[:behind] + "::", ""]
        marked.append(line)
        last = line if line.strip() else last
    lines[:] = marked


def whole(app: Sphinx, what: str, name: str, subject: object, options: object, lines: list[str]) -> None:
    """Napoleon takes the words before the first colon of an attribute for its type; put them back."""
    for place, line in enumerate(lines):
        if what in {"attribute", "data", "property"} and line.startswith(":type: "):
            del lines[place]
            lines[0] = f"{line.removeprefix(':type: ')}: {lines[0]}"
            return


def commands() -> str:
    """The command line, from the commands' own help texts."""
    app = build_app()
    _, *sections = (
        app.generate_docs(output_format="markdown").replace(" -m sphinx", "").split("\n## apollo-dse ")
    )
    told = [f"## {section.rstrip()}\n\n{examples(app, section.split()[0])}" for section in sections]
    return "\n".join(["# The command line\n", f"{app.help} All commands have `--help`.\n", *told])


def examples(app: App, command: str) -> str:
    """The examples of a command as a block of code."""
    _, _, lines = str(app[command].help_epilogue).partition("Examples:\n")
    return f"```\n{dedent(lines).rstrip()}\n```\n"
