"""Whether all that charrnn keeps is whole, and what is left of processes that were killed."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import filterfalse
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from charrnn.api.result import Result
from charrnn.conditioned import checkpoint as conditioned
from charrnn.conditioned import run as conditioned_run
from charrnn.display.signs import one_line
from charrnn.errors import counted
from charrnn.feedback import SILENT, Feedback
from charrnn.files import abandoned
from charrnn.findings import Finding, orphan
from charrnn.model.shipped import RUNS, SHIPPED, shipped
from charrnn.neurons import columns, dump
from charrnn.text import cache, cache_files, store
from charrnn.training.examination import examined
from charrnn.training.history import no_run

_OTHERS = {  # what reads the sealed files that are no character model's
    conditioned.FORMAT: conditioned.load,
    conditioned_run.FORMAT: lambda path: conditioned_run.load_state(path.parent),
}


@dataclass(frozen=True)
class Checkup(Result):
    """What was looked at, and what of it was removed; None: nothing was to be."""

    findings: tuple[Finding, ...]
    sizes: Mapping[Finding, int]  # bytes of what is whole, and of what may be removed
    removed: tuple[Finding, ...] | None

    @property
    def broken(self) -> tuple[Finding, ...]:
        """What is broken and still there."""
        return tuple(each for each in self.findings if each.is_broken and each not in (self.removed or ()))

    @property
    def verdict(self) -> str:
        """How many are broken."""
        count = len(self.broken)
        return f"{count:,} of {len(self.findings):,} files and folders {'is' if count == 1 else 'are'} broken"

    def to_dict(self) -> dict[str, Any]:
        """Return what `charrnn doctor --json` prints."""
        orphans = [each for each in self.findings if each.orphan]
        return {
            "whole": Counter(each.kind for each in self.findings if each.is_whole),
            "broken": [
                {"kind": each.kind, "path": str(each.path), "problem": each.problem, "cure": each.cure}
                for each in self.findings
                if each.is_broken
            ],
            "orphans": [
                {"path": str(each.path), "problem": each.problem, "bytes": self.sizes[each]} for each in orphans
            ],
            "removed": [str(each.path) for each in self.removed or ()],
        }

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> Iterator[str]:
        whole = [each for each in self.findings if each.is_whole]
        yield f"whole     {self._counted(whole)}" if whole else "whole     nothing is here"
        for each in self.findings:
            if each.is_broken:
                yield one_line(f"broken    {each.problem}; {each.cure}")
            elif each.orphan:
                yield one_line(f"orphan    {each.path}, {_megabytes(self.sizes[each])}, {each.problem}")
        if orphans := [each for each in self.findings if each.orphan]:
            hint = "; --prune removes them" if self.removed is None else ""
            yield f"orphans   {_megabytes(sum(self.sizes[each] for each in orphans))} in all{hint}"
        if self.removed is not None:
            yield f"removed   {self._counted(self.removed)}" if self.removed else "removed   nothing"

    def _counted(self, findings: Sequence[Finding]) -> str:
        """How many there are of each kind, and how much they hold."""
        kinds = Counter("index" if each.kind == "items" else each.kind for each in findings)
        size = _megabytes(sum(self.sizes[each] for each in findings if each.kind != "run"))
        return f"{', '.join(counted(count, kind) for kind, count in kinds.items())}; {size}"


def doctor(
    paths: Sequence[str | os.PathLike[str]] = (), *, prune: bool = False, feedback: Feedback = SILENT
) -> Checkup:
    """Check that runs, checkpoints, named corpora and the cache of encoded texts are whole.

    Args:
        paths: run folders, folders in which there are some, or checkpoints; none: checkpoints/.
        prune: remove what killed processes have left, and texts of the cache that are damaged.
        feedback: where notes and counts go.

    Raises:
        RunError: one of the paths is not there.
    """
    with feedback.bar(None, "checking", unit="file", delay=1) as bar:
        findings = []
        for finding in _findings([Path(path) for path in paths]):
            findings.append(finding)
            bar.update()
    sizes = {each: each.size for each in findings if each.removable or each.is_whole}
    removed = tuple(_pruned(findings, feedback)) if prune else None
    return Checkup(tuple(findings), sizes, removed)


def _pruned(findings: Sequence[Finding], feedback: Feedback) -> Iterator[Finding]:
    """Remove what may be, and yield it."""
    for each in findings:
        if each.removable:
            try:
                each.remove()
                yield each
            except OSError as error:
                feedback.note(f"{each.path} cannot be removed ({error.strerror})")


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _findings(paths: Sequence[Path]) -> Iterator[Finding]:
    """Look everywhere, at one thing after the other, as it may take a while."""
    if missing := next(filterfalse(os.path.exists, paths), None):
        raise no_run(missing)
    places = paths or tuple(filter(Path.is_dir, (RUNS,)))
    known = {Path(path).resolve(): Path(path) for path in (*filter(None, map(shipped, SHIPPED)), *places)}
    for path in known.values():
        yield from examined(path, _OTHERS)
    yield from cache_files.examined(cache.folder())
    yield from store.examined()
    yield from map(orphan, abandoned(Path(gettempdir()), *columns.WORKSHOP))
    for folder in dict.fromkeys(path for path in (Path(), *paths) if path.is_dir()):
        yield from map(orphan, abandoned(folder, *dump.WORKSHOP))
