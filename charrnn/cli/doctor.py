"""`charrnn doctor`: whether all that charrnn keeps is whole, and what is left of processes that were killed."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import filterfalse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.common import echo_json, examples, json_option, note, progress_bar, say
from charrnn.cli.output import RunFolder
from charrnn.errors import CharrnnError, counted

if TYPE_CHECKING:
    from charrnn.findings import Finding


@click.command(epilog=examples("charrnn doctor", "charrnn doctor checkpoints/python-lstm", "charrnn doctor --prune"))
@click.argument("paths", metavar="[RUN]...", nargs=-1, type=RunFolder())
@click.option("--prune", is_flag=True, help="Remove the orphans, and texts of the cache that are damaged.")
@json_option
def doctor(paths: tuple[Path, ...], prune: bool, as_json: bool) -> None:
    """Check that all that charrnn keeps is whole: runs, checkpoints, named corpora and the cache of encoded texts.

    RUN is a run folder, a folder in which there are some, or a checkpoint. Default: checkpoints/. Nothing is changed
    without --prune, which names what it removes. What it removes are orphans, the files that killed processes have left
    in these places, in the current folder and in the temporary one, and texts of the cache that are of no use.

    The exit status is 1 where something is broken. Orphans break nothing.
    """
    with progress_bar(None, "checking", unit="file", delay=1) as bar:
        findings = []
        for finding in _findings(paths):
            findings.append(finding)
            bar.update()
    sizes = {finding: finding.size for finding in findings if finding.removable or finding.is_whole}
    told = _described(findings, sizes)
    if not as_json:
        for line in _lines(findings, sizes, prune):
            say(line)
    removed = list(_pruned(findings)) if prune else []
    if as_json:
        echo_json({**told, "removed": [str(finding.path) for finding in removed]})
    elif prune:
        say(f"removed   {_counted(removed, sizes)}" if removed else "removed   nothing")
    broken = sum(finding.is_broken for finding in findings if finding not in removed)
    if broken:
        where = "it" if broken == 1 else "each"
        raise CharrnnError(_share(broken, len(findings)), f"what to do stands beside {where}")


def _share(broken: int, count: int) -> str:
    """Say how many are broken.

    >>> _share(1, 5), _share(2, 1000)
    ('1 of 5 files and folders is broken', '2 of 1,000 files and folders are broken')
    """
    return f"{broken:,} of {count:,} files and folders {'is' if broken == 1 else 'are'} broken"


def _pruned(findings: "Sequence[Finding]") -> "Iterator[Finding]":
    """Remove what may be, and yield it."""
    for finding in findings:
        if finding.removable:
            try:
                finding.remove()
                yield finding
            except OSError as error:
                note(f"{finding.path} cannot be removed ({error.strerror})")


def _lines(findings: "Sequence[Finding]", sizes: "Mapping[Finding, int]", prune: bool) -> Iterator[str]:
    """What a person reads."""
    from charrnn.display.signs import one_line

    whole = [finding for finding in findings if finding.is_whole]
    yield f"whole     {_counted(whole, sizes)}" if whole else "whole     nothing is here"
    for finding in findings:
        if finding.is_broken:
            yield one_line(f"broken    {finding.problem}; {finding.cure}")
        elif finding.orphan:
            yield one_line(f"orphan    {finding.path}, {_megabytes(sizes[finding])}, {finding.problem}")
    if any(finding.orphan for finding in findings):
        orphans = sum(sizes[finding] for finding in findings if finding.orphan)
        yield f"orphans   {_megabytes(orphans)} in all" + ("" if prune else "; --prune removes them")


def _counted(findings: "Sequence[Finding]", sizes: "Mapping[Finding, int]") -> str:
    """How many there are of each kind, and how much they hold."""
    kinds = Counter(finding.kind for finding in findings)
    size = _megabytes(sum(sizes[finding] for finding in findings if finding.kind != "run"))
    return f"{', '.join(counted(count, kind) for kind, count in kinds.items())}; {size}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"


def _described(findings: "Sequence[Finding]", sizes: "Mapping[Finding, int]") -> dict[str, Any]:
    """What a script reads."""
    return {
        "whole": Counter(finding.kind for finding in findings if finding.is_whole),
        "broken": [
            {"kind": finding.kind, "path": str(finding.path), "problem": finding.problem, "cure": finding.cure}
            for finding in findings
            if finding.is_broken
        ],
        "orphans": [
            {"path": str(finding.path), "problem": finding.problem, "bytes": sizes[finding]}
            for finding in findings
            if finding.orphan
        ],
    }


def _findings(paths: Sequence[Path]) -> "Iterator[Finding]":
    """Look everywhere, at one thing after the other, as it may take a while."""
    from tempfile import gettempdir

    from charrnn.files import abandoned
    from charrnn.findings import orphan
    from charrnn.model.shipped import RUNS, SHIPPED, shipped
    from charrnn.neurons import columns, dump
    from charrnn.text import cache, cache_files, store
    from charrnn.training.examination import examined
    from charrnn.training.history import no_run

    if missing := next(filterfalse(os.path.exists, paths), None):
        raise no_run(missing)
    places = paths or tuple(filter(Path.is_dir, (RUNS,)))
    known = {Path(path).resolve(): Path(path) for path in (*filter(None, map(shipped, SHIPPED)), *places)}
    for path in known.values():
        yield from examined(path)
    yield from cache_files.examined(cache.folder())
    yield from store.examined()
    yield from map(orphan, abandoned(Path(gettempdir()), *columns.WORKSHOP))
    for folder in dict.fromkeys(path for path in (Path(), *paths) if path.is_dir()):
        yield from map(orphan, abandoned(folder, *dump.WORKSHOP))
