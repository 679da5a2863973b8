"""`charrnn corpus`: the texts that can be asked for by name, and what any text is like."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.common import (
    FEEDBACK,
    echo_json,
    examples,
    json_option,
    note,
    read_sources,
    reading_options,
    sources_argument,
)
from charrnn.text.reading import Reading

if TYPE_CHECKING:
    from charrnn.text.statistics import Statistics


@click.group(epilog=examples("charrnn corpus list --json", "charrnn corpus get shakespeare"))
def corpus() -> None:
    """List and fetch the texts that can be asked for by name, and measure any text.

    Named corpora are kept in corpora/ of the current folder where there is one, else in the user's cache folder;
    CHARRNN_CORPORA names another folder.
    """


@corpus.command("list", epilog=examples("charrnn corpus list --json"))
@json_option
def list_(as_json: bool) -> None:
    """Show the named corpora: title, size, licence, source, and whether they are here."""
    from charrnn.text import store
    from charrnn.text.catalogue import CATALOGUE

    if as_json:
        echo_json({"folder": str(store.folder()), "corpora": [_described(name) for name in CATALOGUE]})
        return
    for name, named in CATALOGUE.items():
        size = f"{named.characters:,} characters, {named.distinct} distinct" if named.characters else "its size varies"
        where = ("in " + str(store.path_of(name))) if named.files else "made by this machine"
        click.echo(f"{name:<13} {named.title}")
        click.echo(f"{'':<13} {size}; {named.licence}; {named.source}")
        if named.as_items:
            click.echo(f"{'':<13} many short texts: train {named.as_items}")
        click.echo(f"{'':<13} {where if store.is_here(name) else 'not fetched yet'}")


@corpus.command(
    epilog=examples("charrnn corpus get shakespeare tolstoy", "charrnn corpus get kernel --mirror /media/mirror")
)
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@click.option(
    "--mirror", metavar="DIR_OR_URL", help="Where the files are, laid out as under https://raw.githubusercontent.com/."
)
def get(names: tuple[str, ...], mirror: str | None) -> None:
    """Fetch named corpora, check them, and say where they are; what is here already is not fetched again.

    Every file's SHA-256 and the text's are checked, and a text appears whole or not at all.
    """
    from charrnn.text import store

    for name in names:
        store.corpus_named(name)
    for name in names:
        store.fetch_missing((name,), mirror, FEEDBACK)
        text = store.load(name)
        place = str(store.path_of(name)) if store.corpus_named(name).files else "this Python's own library"
        click.echo(f"{name}: {len(text):,} characters in {place}")


@corpus.command(epilog=examples("charrnn corpus stats python", "charrnn corpus stats poems/*.txt --json"))
@sources_argument
@reading_options
@json_option
def stats(sources: tuple[str, ...], reading: Reading, as_json: bool) -> None:
    """Measure SOURCE: its characters, and the entropy of each given the 0 to 5 before it, in bits per character.

    The entropies are those of the text's own n-gram counts: a yardstick for what a model learns. Long contexts are
    rare in a short text, which its counts then know by heart. Characters that stand only in the validation or test
    part of the default split are named: no training would teach them.
    """
    from dataclasses import asdict

    from charrnn.text.statistics import statistics

    text = read_sources(sources, reading)
    for line in text.notes:
        note(line)
    measured = statistics(text)
    if as_json:
        echo_json({"name": text.name, "sha256": text.sha256, **asdict(measured)})
        return
    for name, value in _rows(measured):
        click.echo(f"{name:<14} {value}")


def _rows(measured: "Statistics") -> Iterator[tuple[str, str]]:
    """What a person reads."""
    yield "characters", f"{measured.characters:,}"
    yield "distinct", f"{measured.distinct:,}"
    yield "lines", f"{measured.lines:,}"
    yield "commonest", _listed(measured.commonest)
    yield "rarest", _listed(measured.rarest)
    for order, bits in enumerate(measured.entropies):
        yield f"entropy, {order}", f"{bits:.4f} bits per character, given the {order} before it"
    if measured.entropy_characters < measured.characters:
        yield "", f"entropies on the first {measured.entropy_characters:,} characters"
    for part, counts in measured.unseen.items():
        listed = _listed(list(counts.items())[:8]) + (" …" if len(counts) > 8 else "")
        unseen = f"{len(counts):,} distinct, {sum(counts.values()):,} in all: {listed}" if counts else "none"
        yield f"only in {part}", unseen


def _listed(counts: list[tuple[str, int]]) -> str:
    return ", ".join(f"{ascii(c) if not c.isprintable() else repr(c)} {count:,}" for c, count in counts)


def _described(name: str) -> dict[str, Any]:
    """What a script reads."""
    from charrnn.text import store

    named = store.corpus_named(name)
    here = store.is_here(name)
    return {
        "name": name,
        "title": named.title,
        "licence": named.licence,
        "source": named.source,
        "characters": named.characters,
        "distinct": named.distinct,
        "sha256": named.sha256 or None,
        "download_bytes": named.download_bytes,
        "here": here,
        "path": str(store.path_of(name)) if here and named.files else None,
        "each": named.each,
        "label": named.label,
    }
