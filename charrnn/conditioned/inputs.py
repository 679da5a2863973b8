"""Examples as a network takes them: ids of texts and the features of images, as pairs to learn or inputs to answer."""

from collections import Counter
from collections.abc import Sequence

from charrnn.conditioned.examples import Example, Examples
from charrnn.conditioned.feed import Pair
from charrnn.conditioned.reader import Input
from charrnn.conditioned.symbols import Symbols


def symbols_of(read: Examples, answers: int | None = None) -> tuple[Symbols, Symbols]:
    """Return the symbols of sources and of outputs: of classes, the commonest so many `answers` in training."""
    everything = read.part("all")
    outputs = [output for example in everything for output in example.outputs]
    if read.kind == "label" and answers is not None:
        counted = Counter(output for example in read.parts["train"] for output in example.outputs)
        outputs = [output for output, _ in counted.most_common(answers)]
    return Symbols.of(example.source for example in everything), Symbols.of(outputs, read.kind)


def inputs_of(read: Examples, chosen: Sequence[Example], sources: Symbols) -> list[Input]:
    """Return what a model is told of examples; symbols that it does not know are left out."""
    return [
        Input(sources.known(each.source), None if read.features is None else read.features.row(_image(read, each)))
        for each in chosen
    ]


def pairs_of(read: Examples, chosen: Sequence[Example], sources: Symbols, outputs: Symbols) -> list[Pair]:
    """Return a pair for each right output of each example whose symbols are known."""
    return [
        Pair(sources.known(each.source), outputs.encode(output), _image(read, each))
        for each in chosen
        for output in each.outputs
        if not outputs.unknown(output)
    ]


def _image(read: Examples, example: Example) -> int:
    found = None if read.features is None else read.features.find(example.image)
    return -1 if found is None else found
