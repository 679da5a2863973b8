"""`charrnn corpus`: the texts that can be asked for by name, and what any text is like."""

import click

from charrnn.api import corpora
from charrnn.cli.common import FEEDBACK, examples, json_option, reading_options, show, sources_argument
from charrnn.text.reading import Reading


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
    show(corpora.named(), as_json)


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
    for fetched in corpora.get(names, mirror=mirror, feedback=FEEDBACK):
        click.echo(str(fetched))


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
    show(corpora.stats(sources, reading=reading, feedback=FEEDBACK), as_json)
