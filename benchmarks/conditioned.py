"""How well models answer that are told what to write about: `charrnn map train` on the sets that come with it.

Prints Markdown tables: each task against its baselines, and on dates and numbers attention against none, bidirectional
against one-way, and depth 1 to 3. Each run is a process of its own, one after the other, with the default recipe; what
is measured is the commands that a user types, on the test part, which no run has seen. `--classes` needs scikit-learn,
for naive Bayes and logistic regression on n-grams of characters beside the network.

    python benchmarks/conditioned.py --tasks dates numbers            the bars: 5 minutes each
    python benchmarks/conditioned.py --tasks cmudict --minutes 10
    python benchmarks/conditioned.py --compare --minutes 2            the tables of kinds
    python benchmarks/conditioned.py --tasks movie-reviews --classes
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch

from charrnn import api
from charrnn.errors import ConfigError

TASKS = {  # what is learned: the set, and its columns
    "dates": [("dates", "english", "iso"), ("dates", "iso", "korean"), ("dates", "korean", "english")],
    "numbers": [
        ("numbers", "digits", "english"),
        ("numbers", "english", "digits"),
        ("numbers", "digits", "korean"),
        ("numbers", "korean", "digits"),
    ],
    "cmudict": [("cmudict", None, None)],
    "movie-reviews": [("movie-reviews", None, None)],
}
KINDS = {
    "as it is": [],
    "no attention": ["--attention", "none"],
    "one-way": ["--one-way"],
    "2 layers": ["--num-layers", "2"],
    "3 layers": ["--num-layers", "3"],
    "GRU": ["--cell", "gru"],
}
HEAD = (
    "| task | seed | exact | edits per symbol | nearest: exact | commonest: exact | nats | inputs shuffled "
    "| fields looked at | symbols | hidden: looked at, random | steps | symbols a second |"
)


def main() -> None:
    """Run what is asked for and print the tables."""
    options = _options()
    print(f"{platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}; {' '.join(sys.argv)}\n")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        if options.compare:
            for name in ("dates", "numbers"):
                print(f"\n{name}, {options.minutes:g} minutes each\n\n{HEAD.replace('task', 'kind')}\n{_rule()}")
                for kind, more in KINDS.items():
                    for seed in options.seeds:
                        _row(f"{kind}", _measured(place, TASKS[name][0], options, seed, more), seed)
        else:
            print(f"{HEAD}\n{_rule()}")
            for name in options.tasks:
                for task in TASKS[name]:
                    for seed in options.seeds:
                        _row(" ".join(filter(None, task)), _measured(place, task, options, seed, options.train), seed)
        if options.classes:
            _classes(options.seeds)


def _rule() -> str:
    return "|" + "---|" * (HEAD.count("|") - 1)


def _measured(
    place: Path, task: tuple[str, str | None, str | None], options: argparse.Namespace, seed: int, more: list[str]
) -> dict[str, Any]:
    """Train on a task and score the test part."""
    name, source, target = task
    examples = name
    if name in ("dates", "numbers"):
        examples = str(place / name)
        if not (place / name).exists():
            api.map.examples(name, place / name)
    run = place / f"run-{len(list(place.iterdir()))}"
    columns = [*(["--source", source] if source else []), *(["--target", target] if target else [])]
    trained = _json(
        "map",
        "train",
        examples,
        *columns,
        "--out",
        str(run),
        "--minutes",
        str(options.minutes),
        "--seed",
        str(seed),
        *more,
    )
    return {**_json("map", "score", str(run), examples, *columns, "--beam", str(options.beam)), **trained}


def _row(what: str, found: dict[str, Any], seed: int) -> None:
    looked, hidden = found["pointing"] or {}, found["hidden"]
    shares = " | ".join(f"{looked[name]:.2%}" if looked else "–" for name in ("right_fields", "right_symbols"))
    costs = f"{hidden['looked']:.3f}, {hidden['random']:.3f}" if hidden else "–"
    print(
        f"| {what} | {seed} | {found['exact']:.2%} | {found['edit_rate']:.4f} | {found['nearest_exact']:.2%} "
        f"| {found['commonest_exact']:.2%} | {found['nats_per_symbol']:.4f} | {found['shuffled_nats_per_symbol']:.3f} "
        f"| {shares} | {costs} | {found['steps']:,} | {found['chars_per_second']:,.0f} |",
        flush=True,
    )


def _classes(seeds: list[int]) -> None:
    """Print how often naive Bayes and logistic regression on n-grams are right, on the same test parts."""
    from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import MultinomialNB
    from sklearn.pipeline import make_pipeline

    print("\n| movie-reviews | seed | exact |\n|---|---|---|")
    for seed in seeds:
        read = _examples(seed)
        train, test = (read.part(part) for part in ("train", "test"))
        models = {
            "naive Bayes, words and pairs": make_pipeline(CountVectorizer(ngram_range=(1, 2)), MultinomialNB()),
            "logistic regression, n-grams of 1 to 5 characters": make_pipeline(
                TfidfVectorizer(analyzer="char_wb", ngram_range=(1, 5), sublinear_tf=True),
                LogisticRegression(C=10, max_iter=1000),
            ),
        }
        for name, model in models.items():
            model.fit([each.source for each in train], [each.outputs[0] for each in train])
            said = model.predict([each.source for each in test])
            right = sum(answer in each.outputs for answer, each in zip(said, test, strict=True))
            print(f"| {name} | {seed} | {right / len(test):.2%} |", flush=True)


def _examples(seed: int) -> Any:
    from charrnn.conditioned.examples import Origin, read_examples

    return read_examples(Origin(("movie-reviews",), seed=seed))


def _json(*command: str) -> dict[str, Any]:
    typed = [sys.executable, "-m", "charrnn", *command, "--json"]
    found: dict[str, Any] = json.loads(subprocess.run(typed, check=True, stdout=subprocess.PIPE).stdout)
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tasks", nargs="+", default=["dates", "numbers"], choices=tuple(TASKS))
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--beam", type=int, default=1)
    parser.add_argument("--compare", action="store_true", help="the tables of kinds instead of the tasks")
    parser.add_argument("--classes", action="store_true", help="the classic classifiers too")
    parser.add_argument("--train", nargs=argparse.REMAINDER, default=[], help="options of `charrnn map train`")
    options = parser.parse_args()
    if options.minutes <= 0:
        raise ConfigError(f"minutes is {options.minutes}", "give more than 0")
    return options


if __name__ == "__main__":
    main()
