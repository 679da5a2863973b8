"""All features by name, and which of them are tried on which kind of text."""

from dataclasses import replace

from charrnn.errors import ConfigError, check_choice, did_you_mean
from charrnn.neurons.features.any_text import ANY_TEXT
from charrnn.neurons.features.c_source import C_SOURCE
from charrnn.neurons.features.feature import Feature, past_returns
from charrnn.neurons.features.markup import MARKUP
from charrnn.neurons.features.own import load, offered, regex_feature
from charrnn.neurons.features.plays import PLAYS
from charrnn.neurons.features.prose import PROSE
from charrnn.neurons.features.python_source import PYTHON_SOURCE

_OWN = (*ANY_TEXT, *PROSE, *PLAYS, *C_SOURCE, *PYTHON_SOURCE, *MARKUP)
FEATURES = {
    feature.name: feature if feature.predictive else replace(feature, values=past_returns(feature.values))
    for feature in _OWN
}  # those of this package
TRIED = {  # for each kind of text the kinds of features that `--feature all` tries
    "prose": ("any", "prose"),
    "play": ("any", "play"),
    "c": ("any", "code", "c"),
    "python": ("any", "code", "python"),
    "markup": ("any", "markup"),
}


def feature_named(name: str) -> Feature:
    """Return the feature of that name, of this package or else of another that offers it; or one's own, NAME=PATTERN.

    Raises:
        ConfigError: there is none, it cannot be loaded, or it is defined wrongly or under a name that is taken.
    """
    if "=" in name:
        return own_feature(name)
    if name in FEATURES:
        return FEATURES[name]
    others = offered()
    if name not in others:
        cure = did_you_mean(name, (*FEATURES, *others), "'charrnn neurons features' lists them all")
        raise ConfigError(f"there is no feature {name!r}", cure)
    return load(others[name])


def own_feature(definition: str) -> Feature:
    """Return the feature that NAME=PATTERN defines.

    Raises:
        ConfigError: it defines none, or the name is taken.
    """
    feature = regex_feature(definition)
    if feature.name in FEATURES or feature.name in offered():
        raise ConfigError(f"there is a feature {feature.name} already", f"choose another name for {definition!r}")
    return feature


def all_features() -> list[Feature]:
    """Return the features of this package, then those that other installed packages offer.

    Raises:
        ConfigError: one of another package cannot be loaded.
    """
    others = [load(entry) for name, entry in sorted(offered().items()) if name not in FEATURES]
    return [*FEATURES.values(), *others]


def features_for(text_kind: str) -> list[Feature]:
    """Return the features that are tried on a kind of text.

    Raises:
        ConfigError: there is no such kind.
    """
    check_choice("text_kind", text_kind, tuple(TRIED))
    return [feature for feature in all_features() if feature.kind in TRIED[text_kind]]
