"""`charrnn neurons find` and `features`: which unit follows what, how surely, and what can be asked for."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from charrnn.cli.common import (
    CONTEXT,
    beginning,
    build_network,
    device_option,
    echo_json,
    encode,
    examples,
    json_option,
    load_checkpoint,
    model_argument,
    note,
    progress_bar,
    read_unseen,
    reading_options,
    say,
    sources_argument,
    unseen_part_option,
)
from charrnn.errors import counted, typed
from charrnn.text.reading import Reading

if TYPE_CHECKING:
    from charrnn.model.config import ModelConfig
    from charrnn.neurons.features import Feature
    from charrnn.neurons.search import Finding

SHORTEST = 2000  # characters; a feature shows its forms over thousands
P_VALUE = "p: permutation p-value over all units (labels shifted); found where below 0.05"
_SIGN = "signal −: the unit is low while the feature is on, or falls as the count grows"


signals_option = click.option(
    "--signals", metavar="NAMES", help="Such as h,tanh_c,i,f,g,o. Default: h and, for LSTMs, tanh_c."
)


@click.command(epilog=examples("charrnn neurons features", "charrnn neurons features --json"))
@json_option
def features(as_json: bool) -> None:
    """List the features that units can be searched for, with the kind of text in which each is tried.

    Those that other installed packages offer as entry points of the group "charrnn.features" stand at the end.
    """
    from charrnn.display.signs import one_line
    from charrnn.neurons.features.registry import all_features

    rows = [(f.name, f.kind, ("predictive: " if f.predictive else "") + f.sentence) for f in all_features()]
    if as_json:
        echo_json({"features": [{"feature": name, "kind": kind, "sentence": said} for name, kind, said in rows]})
        return
    for name, kind, said in rows:
        click.echo(one_line(f"{name:24}  {kind:6}  {said}"))


@click.command(
    epilog=examples(
        "charrnn neurons find checkpoints/python-lstm python",
        "charrnn neurons find checkpoints/python-lstm python --feature python_comment_or_string",
        "charrnn neurons find checkpoints/python-lstm python --feature line_position --regex 'number=[0-9.]+'",
        "charrnn neurons find checkpoints/python-lstm python --signals h,i,f,o --json",
    )
)
@model_argument
@sources_argument
@click.option(
    "--feature", "names", multiple=True, metavar="NAME",
    help="What to look for; may be repeated. Default: all, those that fit the kind of text.",
)  # fmt: skip
@click.option(
    "--regex", "regexes", multiple=True, metavar="NAME=PATTERN",
    help="Look for what a regular expression matches, ^ and $ at each line; may be repeated.",
)  # fmt: skip
@click.option(
    "--text-kind", type=click.Choice(["prose", "play", "c", "python", "markup"]),
    help="Which features all means. Default: as the text looks.",
)  # fmt: skip
@signals_option
@click.option(
    "--characters", type=click.IntRange(SHORTEST), default=100_000, show_default=True,
    help="Read that many, from the part's beginning: half to choose on, half to measure on.",
)  # fmt: skip
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the shifts and the intervals.")
@unseen_part_option
@reading_options
@device_option
@json_option
def find(
    model: str, sources: tuple[str, ...], names: tuple[str, ...], regexes: tuple[str, ...], text_kind: str | None,
    signals: str | None, characters: int, seed: int, part: str | None, reading: Reading, device: str, as_json: bool,
) -> None:  # fmt: skip
    """Find the unit of MODEL that follows a feature of SOURCE best, how well, and whether it is one unit at all.

    Units are chosen on the first half of the text; every figure is from the second: the score with a 95 % interval
    (block bootstrap), beside it what the last five characters alone tell, and a linear probe on the unit's whole layer.
    A unit counts as found where no unit does as well in 95 % of 200 shifts of the labels in a circle, and so does
    the layer for its probe. The table has the p-value of the unit; a "−" before the signal: the unit is low while
    the feature is on, or falls as the count grows.

    The verdict is "single unit" (found, better than the last five characters, 80 % of its layer), "distributed" (the
    layer knows it clearly, no unit has most of that), "surface" (the last five characters tell as much) or "not found".

    Scores are AUC (0.5 is chance) for features that are on or off, with the unit's sign as it was chosen, and
    Spearman's ρ (0 is chance) for counts, of values in float16, in which all saturated ones are equal; strengths
    2·AUC−1 and ρ are compared, 0.05 being a difference and 0.3 clear.
    """
    from charrnn.errors import ConfigError

    checkpoint = load_checkpoint(model)
    text, part, before = read_unseen(sources, reading, checkpoint, part)
    ids = encode(checkpoint, beginning(checkpoint, text, characters))[:characters]
    if len(ids) < SHORTEST:
        known = counted(len(ids), "character")
        raise ConfigError(f"the text has {known} that the model knows", f"give {SHORTEST:,} or more")
    text = checkpoint.vocabulary.decode(ids)
    wanted, kind = features_wanted(text, names, regexes, text_kind)
    searched = signals_wanted(signals, checkpoint.config)
    network = build_network(checkpoint, device)
    found = search_units(network, ids, (before[-CONTEXT:], text), wanted, searched, seed)
    skipped = [each for each in found if isinstance(each, str)]
    findings = [each for each in found if not isinstance(each, str)]
    if not findings:
        raise ConfigError(f"{', '.join(skipped)} hardly changes over {len(ids):,} characters", "give a longer text")
    start, half = len(before), len(before) + len(ids) // 2
    origin = {
        "model": model,
        "source": list(sources),
        "part": part,
        "text_kind": kind,
        "signals": searched,
        "discover": {"start": start, "end": half},
        "report": {"start": half, "end": start + len(ids)},
        "skipped": skipped,
    }
    if as_json:
        echo_json(origin | {"features": [asdict(each) | {"unit": str(each.unit)} for each in findings]})
    else:
        _show(findings, origin)


def features_wanted(
    text: str, names: tuple[str, ...], regexes: tuple[str, ...], text_kind: str | None
) -> "tuple[list[Feature], str]":
    """The features asked for, each once, and the kind of text."""
    from charrnn.errors import ConfigError
    from charrnn.neurons.features.registry import feature_named, features_for, own_feature
    from charrnn.neurons.features.text_kind import text_kind as kind_of

    kind = text_kind or kind_of(text)
    asked = [feature_named(name) for name in dict.fromkeys(names) if name != "all"]
    asked += [own_feature(definition) for definition in dict.fromkeys(regexes)]
    twice = next((each.name for each in asked if sum(each.name == other.name for other in asked) > 1), None)
    if twice:
        raise ConfigError(f"{twice} has two definitions", "give each a name of its own")
    everything = "all" in names or not (names or regexes)
    if everything:
        note(f"the features for {kind} are tried" + ("" if text_kind else " (--text-kind chooses others)"))
    fitting = features_for(kind) if everything else []
    return list({feature.name: feature for feature in (*fitting, *asked)}.values()), kind


def signals_wanted(names: str | None, config: "ModelConfig") -> list[str]:
    """Return the signals that --signals names.

    Raises:
        ConfigError: a cell has no such signal.
    """
    from charrnn.neurons.recording import check_signals, default_signal

    signals = list(dict.fromkeys(["h", default_signal(config)] if names is None else names.split(",")))
    check_signals(signals, config)
    return signals


def search_units(
    network: Any, ids: Any, texts: tuple[str, str], wanted: "list[Feature]", signals: list[str], seed: int
) -> "list[Finding | str]":
    from charrnn.model.devices import choose_precision
    from charrnn.neurons.columns import recorded_columns
    from charrnn.neurons.search import search

    precision = choose_precision(None, network.device)
    with progress_bar(len(ids), "recording") as bar, recorded_columns(
        network, ids, signals, precision, bar.update
    ) as columns:  # fmt: skip
        bar.close()
        with progress_bar(len(wanted), "searching", "feature") as features_bar:
            return search(columns, ids, texts[1], wanted, texts[0], seed, features_bar.update)


def _show(findings: "list[Finding]", origin: dict[str, Any]) -> None:
    from charrnn.display.signs import one_line
    from charrnn.neurons.search import SIGNIFICANT

    discover, report = origin["discover"], origin["report"]
    click.echo(
        f"Chosen on characters {discover['start']:,} to {discover['end']:,}, measured on {report['start']:,} to "
        f"{report['end']:,}"
    )
    for kind, title in (("binary", "On or off: ROC AUC, chance is 0.5"), ("continuous", "Counts: Spearman's ρ")):
        some = [each for each in findings if each.kind == kind]
        if some:
            click.echo(f"\n{title}")
            click.echo(f"{'':24} {'unit':>5} signal score 95 %   last 5 layer    p verdict")
        for each in some:
            click.echo(one_line(_row(each)))
    click.echo(f"\n{_SIGN}\n{P_VALUE}")
    unsure = [
        f"{each.feature} (p {short_p(each.layer_p_value)})" for each in findings if each.layer_p_value >= SIGNIFICANT
    ]
    if unsure:
        say(f"The probe on the layer is not significant: {one_line(', '.join(unsure))}")
    if origin["skipped"]:
        say(f"Hardly ever, or always, on: {one_line(', '.join(origin['skipped']))}")
    single = [each for each in findings if each.verdict == "single unit"]
    if not single:
        click.echo(
            "\nNo single neuron follows any of these." if len(findings) > 1 else "\nNo single neuron follows it."
        )
        return
    best = max(single, key=lambda each: each.gain)
    part = [] if origin["part"] == "all" else ["--part", origin["part"]]
    where = (origin["model"], *origin["source"], *part, "--unit", best.unit)
    told = ("--feature", best.feature) if best.kind == "binary" and not best.predictive else ()
    click.echo(f"\nNext:  {typed('neurons', 'show', *where, '--signal', best.signal)}")
    click.echo(f"       {typed('neurons', 'ablate', *where, *told)}")


def _row(each: "Finding") -> str:
    """Return a row of 80 columns for names of 24 characters and units below 1000."""
    signal, interval = f"{'−' if each.sign < 0 else '+'}{each.signal}", f"{short(each.low)}–{short(each.high)}"
    return (
        f"{each.feature:24} {each.unit!s:>5} {signal:7} {short(each.score)} {interval:9} {short(each.surface_score)} "
        f"{short(each.layer_score)} {short_p(each.p_value)} {each.verdict}"
    )


def short(score: float) -> str:
    """Write a score in four characters.

    >>> short(0.984), short(-0.264), short(-0.001)
    ('0.98', '-.26', '0.00')
    """
    return f"{score:z.2f}".replace("-0", "-")


def short_p(p_value: float) -> str:
    """Write a p-value in four characters.

    >>> short_p(1 / 201), short_p(0.5), short_p(1.0)
    ('.005', '.500', '1.00')
    """
    return f"{p_value:.3f}".removeprefix("0")[:4]
