"""Pages of the site that stand elsewhere in the project, and the reference of the library; called by MkDocs."""

import re
from pathlib import Path

from mkdocs.structure.files import File

ROOT = Path(__file__).parent.parent
ELSEWHERE = {"README.md": "index.md", "benchmarks/README.md": "benchmarks.md", "checkpoints/README.md": "models.md"}
REFERENCE = """# Reference

Made from the docstrings.

::: charrnn.api.model
::: charrnn.api.training
::: charrnn.api.passage
::: charrnn.api.find
::: charrnn.api.explore
::: charrnn.api.dump
::: charrnn.api.trace
::: charrnn.api.ablate
::: charrnn.api.steer
::: charrnn.api.gates
::: charrnn.api.grep
::: charrnn.errors
"""


def on_files(files, config):
    """Add the pages that are not in docs/."""
    for path, name in ELSEWHERE.items():
        files.append(File.generated(config, name, content=_moved((ROOT / path).read_text("utf-8"))))
    files.append(File.generated(config, "reference.md", content=REFERENCE))
    return files


def on_page_markdown(markdown, **_):
    """Let links from docs/ to pages elsewhere lead to their place on the site."""
    return _moved(markdown)


def _moved(markdown: str) -> str:
    for path, name in ELSEWHERE.items():
        markdown = re.sub(rf"\]\((?:\.\./)?{re.escape(path)}", f"]({name}", markdown)
    return markdown.replace("](docs/", "](")
