"""What the shell completes: models, texts, features and known units by name, beside files.

It imports what it lists when a shell asks: the options that name these functions are made at every start.
"""

import os
import re
from collections.abc import Iterable

import click
from click.shell_completion import CompletionItem

from charrnn.errors import CharrnnError
from charrnn.model.shipped import RUNS, SHIPPED


def models(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete MODEL: the shipped models, the runs in checkpoints/, and files."""
    runs = sorted(path.as_posix() for path in RUNS.iterdir() if path.is_dir()) if RUNS.is_dir() else []
    return [*_beginning((*SHIPPED, *runs), typed), _files(typed)]


def sources(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete SOURCE: the named corpora and files."""
    from charrnn.text.catalogue import CATALOGUE

    return [*_beginning(sorted(CATALOGUE), typed), _files(typed)]


def features(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete --feature."""
    from charrnn.neurons.features import FEATURES

    return _beginning(sorted(FEATURES), typed)


def units(context: click.Context, parameter: click.Parameter, typed: str) -> list[CompletionItem]:
    """Complete --unit: the known units of MODEL, where it stands before."""
    from charrnn.model.checkpoint import load, locate

    model = context.params.get("model") or next(iter(context.args), None)  # unread, while an option lacks its value
    try:
        known = load(locate(os.fspath(model))).header.known_units if model else ()
    except (CharrnnError, OSError):
        return []
    return _beginning([each.feature for each in known], typed)


def _beginning(names: Iterable[str], typed: str) -> list[CompletionItem]:
    """What begins so; a shell puts it into the line as it is, so a name with any other sign than these is left out."""
    return [CompletionItem(name) for name in names if name.startswith(typed) and re.fullmatch(r"[\w./:+-]+", name)]


def _files(typed: str) -> CompletionItem:
    """Let the shell add the files that begin so."""
    return CompletionItem(typed, type="file")
