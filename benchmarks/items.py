"""What models of items reach: names by two splits, what samples of them repeat, and classes of movie reviews.

    python benchmarks/items.py                    # 100 seconds of training each; on two quiet cores
    python benchmarks/items.py --seconds 5        # to see that it runs

The named sets are fetched first where they are missing. Losses are in nats per character of the test items, ends
counted.
"""

import argparse
from collections import Counter
from math import log

import numpy as np
import numpy.typing as npt
import torch

from charrnn.evaluation.item_scoring import item_blocks, per_item
from charrnn.evaluation.ngrams import ngram_nats
from charrnn.model.checkpoint import Figures
from charrnn.model.devices import choose_precision
from charrnn.model.network import CharRNN
from charrnn.model.stepped_network import SteppedCharRNN
from charrnn.sampling.distribution import SamplingConfig
from charrnn.sampling.items import ItemSampler
from charrnn.sampling.sampler import Sampler
from charrnn.text.catalogue import CATALOGUE
from charrnn.text.item_corpus import ItemCorpus
from charrnn.text.items import Each, Items
from charrnn.text.sources import listed
from charrnn.text.store import fetch_missing
from charrnn.training.recipe import Hardware, recipe
from charrnn.training.trainer import Trainer

CPU = torch.device("cpu")
HELD_BY_MAKEMORE = 1000  # names of its test set
MAKEMORE_SEED = 3407
SAMPLES = 1000
LARGEST_ORDER = 7  # of the n-gram models of characters

Counts = Counter[str]


def main() -> None:
    """Train and print a table for each set."""
    options = _options()
    fetch_missing(["names", "movie-reviews"])
    print(f"{options.seconds:g} s of training each, {torch.get_num_threads()} threads, torch {torch.__version__}\n")
    _names(options.seconds)
    _reviews(options.seconds)


def _names(seconds: float) -> None:
    items = _read("names")
    print("| names, split | train | test | test nats | distinct of 1,000 | new |\n|---|---|---|---|---|---|")
    for name, corpus in (("makemore's", _by_makemore(items)), ("no duplicates across", _without_leaks(items))):
        model, nats = _trained(corpus, seconds)
        drawn, text = _samples(model, corpus), {item for part in corpus.parts for item in corpus.items(part)}
        counts = f"{len(set(drawn)) / len(drawn):.1%} | {np.mean([item not in text for item in drawn]):.1%}"
        sizes = f"{corpus.facts.split['train']:,} | {corpus.facts.split['test']:,}"
        print(f"| {name} | {sizes} | {nats:.4f} | {counts} |", flush=True)
        if name == "makemore's":
            seen = set(corpus.items("train"))
            ends = np.flatnonzero(corpus.parts["test"] == corpus.end)
            costs = _nats(model, corpus, "test")
            known = np.array([item in seen for item in corpus.items("test")])
            lengths = np.diff(ends)
            for what, which in (("that stand in the training part too", known), ("that do not", ~known)):
                loss = per_item(costs, ends)[which].sum() / lengths[which].sum()
                print(f"| … of its test names {what} | | {which.sum():,} | {loss:.4f} | | |", flush=True)
    print()


def _by_makemore(items: Items) -> ItemCorpus:
    """The split of makemore.py: 1,000 names of a random order, in which equal ones may be on both sides."""
    torch.manual_seed(MAKEMORE_SEED)
    order = torch.randperm(len(items)).tolist()
    texts = [items.texts[place] for place in order]
    return ItemCorpus.from_parts(items, {"train": texts[:-HELD_BY_MAKEMORE], "test": texts[-HELD_BY_MAKEMORE:]})


def _without_leaks(items: Items) -> ItemCorpus:
    return ItemCorpus.from_items(items, 0, 0.0, HELD_BY_MAKEMORE / len(items))


def _reviews(seconds: float) -> None:
    corpus = ItemCorpus.from_items(_read("movie-reviews"), 0, 0.0, 0.1)
    model, nats = _trained(corpus, seconds)
    truth = corpus.classes["test"]
    print(f"movie-reviews: {corpus.facts.split}, test {nats:.4f} nats per character\n")
    print("| classifier | accuracy on the test part |\n|---|---|")
    found = {
        "items by label": np.argmin([_sums(model, corpus, label) for label in range(2)], 0),
        "naive Bayes on words": _naive_bayes(corpus),
        **_ngrams(corpus),
    }
    for name, guessed in found.items():
        print(f"| {name} | {np.mean(guessed == truth):.1%} |")


def _read(name: str) -> Items:
    corpus = CATALOGUE[name]
    return Items.read(listed([name]), Each(corpus.each or "line", corpus.label))


def _trained(corpus: ItemCorpus, seconds: float) -> tuple[CharRNN, float]:
    """A model by the recipe, after so many seconds, and its loss on the test part."""
    number = choose_precision(None, CPU)
    hardware = Hardware(False, torch.get_num_threads(), number == torch.bfloat16)
    given = {"minutes": seconds / 60, "num_classes": len(corpus.facts.labels)}
    mean = corpus.split["train"] / corpus.facts.split["train"]
    config, training, _ = recipe(corpus.split["train"], len(corpus.vocabulary), given, hardware, None, mean)
    model = CharRNN(config, torch.Generator().manual_seed(training.seed))
    trainer = Trainer(model, corpus, training, number)
    for _ in trainer.run():
        pass
    shown = f"{config.num_layers}×{config.hidden_size}, {config.dropouts}, {training.batch_size} items at once"
    print(f"<!-- {corpus.name}: {shown}, rate {training.learning_rate:.2g}, {trainer.step:,} steps -->")
    nats = trainer.validator.final(model.eval(), Figures()).test_nats
    return model, float("nan") if nats is None else nats


def _nats(model: CharRNN, corpus: ItemCorpus, part: str) -> npt.NDArray[np.float32]:
    blocks = item_blocks(model, corpus.parts[part], end=corpus.end, classes=corpus.classes.get(part))
    return np.concatenate([block.numpy() for block in blocks])


def _sums(model: CharRNN, corpus: ItemCorpus, label: int) -> npt.NDArray[np.float64]:
    """The nats of each test item as one of a class."""
    ids = corpus.parts["test"]
    classes = np.full(corpus.facts.split["test"], label)
    blocks = item_blocks(model, ids, end=corpus.end, classes=classes)
    return per_item(np.concatenate([block.numpy() for block in blocks]), np.flatnonzero(ids == corpus.end))


def _samples(model: CharRNN, corpus: ItemCorpus) -> list[str]:
    network = SteppedCharRNN(model.config, model.weights())
    sampler = ItemSampler(Sampler(network, corpus.vocabulary, SamplingConfig()), 100)
    return [item.text for item in sampler.draw_some(range(SAMPLES))]


def _naive_bayes(corpus: ItemCorpus) -> npt.NDArray[np.int64]:
    """Multinomial naive Bayes over words between spaces, with one added to each count."""
    counts: list[Counts] = [Counter(), Counter()]
    for item, label in zip(corpus.items("train"), corpus.classes["train"].tolist(), strict=True):
        counts[label].update(item.split())
    size = len(set(counts[0]) | set(counts[1]))
    totals = [sum(each.values()) + size for each in counts]
    scores = [
        [sum(log((counts[label][word] + 1) / totals[label]) for word in item.split()) for item in corpus.items("test")]
        for label in range(2)
    ]
    return np.argmax(scores, 0)


def _ngrams(corpus: ItemCorpus) -> dict[str, npt.NDArray[np.int64]]:
    """By models of n characters of each class's text, for each n."""
    vocabulary, end = corpus.vocabulary, corpus.end
    items, classes = corpus.items("train"), corpus.classes["train"]
    ends = np.flatnonzero(corpus.parts["test"] == end)
    sums = []
    for label in range(2):
        text = "\udfff".join(["", *(item for item, of in zip(items, classes, strict=True) if of == label), ""])
        nats = ngram_nats(vocabulary.encode(text), corpus.parts["test"], len(vocabulary), LARGEST_ORDER)
        sums.append([per_item(each[1:], ends) for each in nats])
    guessed = {f"{n} characters": np.argmin([sums[0][n - 1], sums[1][n - 1]], 0) for n in range(3, LARGEST_ORDER + 1)}
    return {f"n-grams of {name}": found for name, found in guessed.items()}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=100.0, help="of each training; default: 100")
    return parser.parse_args()


if __name__ == "__main__":
    main()
