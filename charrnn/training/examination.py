"""What is whole in the folders of runs, what is damaged, and what killed processes have left there."""

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import msgspec

from charrnn.errors import CharrnnError, RunError, SourceError, check_utf8, counted, typed
from charrnn.files import is_free, is_special, leftovers
from charrnn.findings import Finding, orphan
from charrnn.model.checkpoint import BEST, LAST, STAGES, UNFINISHED_STAGES, load, stages
from charrnn.model.sealed import kind_of
from charrnn.runs.lines import raw_lines
from charrnn.runs.lock import LOCK
from charrnn.text.item_index import NAME as ITEMS
from charrnn.text.item_index import ItemIndex
from charrnn.training.history import LOG, SAMPLES
from charrnn.training.resume import STATE, Account, load_state

Others = Mapping[str, Callable[[Path], object]]
_SIGNS = (BEST, LAST, LOG, STATE)  # by which a folder is known to be a run's
_WRITTEN = (*_SIGNS, SAMPLES, ITEMS, "loss.png")


def examined(path: Path, others: Others | None = None) -> Iterator[Finding]:
    """Look at a checkpoint, the folder of a run, or a folder in which there are such, at any depth.

    Links to folders are not followed. `others` has, for other kinds of sealed files, what reads them as a whole.
    """
    others = others or {}
    if not path.is_dir():
        yield _checkpoint(path, None, others)
        return
    for folder, names, files in os.walk(path):
        names[:] = sorted(name for name in names if not name.startswith("."))
        if any(name in _SIGNS for name in files):
            names[:] = [name for name in names if name != STAGES]
            yield from _run(Path(folder), others)
        else:
            models = (Path(folder, name) for name in sorted(files) if name.endswith(".safetensors"))
            yield from (_checkpoint(path, None, others) for path in models)


def _run(folder: Path, others: Others) -> Iterator[Finding]:
    """All that a run has written; what is missing is made anew by `--resume`, where the state is whole."""
    try:
        check_utf8([str(folder)])
    except SourceError as error:  # its files can be read by no library, nor named in a command
        yield Finding("run", folder, error.problem, error.cure)
        return
    yield Finding("run", folder)
    state, account = _state(folder, others)
    yield from state
    again = f"make it anew: {typed('train', '--resume', folder)}" if account else None
    for name in (BEST, LAST):
        if os.path.lexists(folder / name):
            yield _checkpoint(folder / name, again, others)
        elif account and (account.best_nats is not None if name == BEST else account.header.figures.step > 0):
            yield Finding("checkpoint", folder / name, f"{folder / name} is gone", str(again))
    yield from (_checkpoint(path, None, others) for path in stages(folder).values())
    if os.path.lexists(folder / ITEMS):
        yield _index(folder / ITEMS, again)
    yield from (_lines(folder / name) for name in (LOG, SAMPLES) if os.path.lexists(folder / name))
    if is_free(folder / LOCK):
        left = {path for name in _WRITTEN for path in leftovers(folder / name)}
        if not (folder / STAGES).is_symlink():  # which may lead out of the folder
            left |= {path for kind in UNFINISHED_STAGES for path in folder.glob(kind)}
        yield from map(orphan, sorted(left))


def _state(folder: Path, others: Others) -> tuple[list[Finding], Account | None]:
    path = folder / STATE
    if not os.path.lexists(path):
        return [], None  # only the model was given away
    try:
        if other := others.get(kind_of(path) or ""):
            other(path)
            return [Finding("state", path)], None
        return [Finding("state", path)], load_state(folder).account
    except RunError as error:
        return [Finding("state", path, error.problem, error.cure)], None


def _checkpoint(path: Path, again: str | None, others: Others) -> Finding:
    """Look at a checkpoint; `again` says how it can be had again."""
    try:
        others.get(kind_of(path) or "", load)(path)
    except CharrnnError as error:
        return Finding("checkpoint", path, error.problem, again or error.cure)
    return Finding("checkpoint", path)


def _index(path: Path, again: str | None) -> Finding:
    """Look at the index of a run's items."""
    try:
        ItemIndex.load(path)
    except CharrnnError as error:
        return Finding("items", path, error.problem, again or error.cure)
    return Finding("items", path)


def _lines(path: Path) -> Finding:
    """Look at a log: the last line may be cut off, as it is being written or its process was killed."""
    if is_special(path) or not path.is_file():
        return Finding("log", path, f"{path} is no regular file", "remove it: it is not the run's")
    try:
        damaged = sum(not _is_object(line) for line in raw_lines(path) if line.endswith(b"\n"))
    except RunError as error:
        return Finding("log", path, error.problem, error.cure)
    if not damaged:
        return Finding("log", path)
    return Finding("log", path, f"{path} has {counted(damaged, 'damaged line')}", "what reads it leaves them out")


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(msgspec.json.decode(line), dict)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return False
