"""A model of items with labels as the plain model of one class, whose vector joins a bias. Knows no torch."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy.typing as npt

from charrnn.errors import ConfigError, did_you_mean
from charrnn.model.checkpoint import Checkpoint

_SHOWN = 12  # labels in a message


def labels_of(checkpoint: Checkpoint) -> tuple[str, ...]:
    """Return the labels of a model's classes; none where it has none."""
    return checkpoint.header.corpus.items.labels if checkpoint.header.corpus.items else ()


def of_class(checkpoint: Checkpoint, label: str | None) -> Checkpoint:
    """Return the model that writes and expects items of one class; a model without classes as it is.

    Raises:
        ConfigError: it has classes and none is named, or it has no such class.
    """
    items, labels = checkpoint.header.corpus.items, labels_of(checkpoint)
    if not labels or items is None:
        if label is not None:
            raise ConfigError("the model was trained without labels", "leave the label out, or train with --label")
        return checkpoint
    names = ", ".join(labels[:_SHOWN]) + (", …" if len(labels) > _SHOWN else "")
    if label is None:
        raise ConfigError(f"the model has a class for each {items.label}: {names}", "name one with --label")
    if label not in labels:
        cure = did_you_mean(label, labels, f"choose one of {names}")
        raise ConfigError(f"the model was trained on no {items.label} {label}", cure)
    weights = weights_of_class(checkpoint.weights, labels.index(label))
    corpus = replace(checkpoint.header.corpus, items=replace(items, labels=()))
    header = replace(checkpoint.header, model=replace(checkpoint.config, num_classes=0), corpus=corpus)
    return replace(checkpoint, header=header, weights=weights)


def without_classes(checkpoint: Checkpoint) -> Checkpoint:
    """Return a model that has no classes, as it is.

    Raises:
        ConfigError: it has some.
    """
    items = checkpoint.header.corpus.items
    if items is not None and items.labels:
        raise ConfigError(
            f"the model has a class for each {items.label}, and this is for models without classes",
            "train one without --label",
        )
    return checkpoint


def weights_of_class(weights: Mapping[str, npt.NDArray[Any]], number: int) -> dict[str, npt.NDArray[Any]]:
    """Return the weights of the plain model of a class.

    The vector v of the class is added to every input x, so that the first layer sees W (x + v) + b = W x + (b + W v).
    """
    made = dict(weights)
    vector = made.pop("classes.weight")[number]
    made["layers.0.bias_ih"] = made["layers.0.bias_ih"] + made["layers.0.weight_ih"] @ vector
    return made
