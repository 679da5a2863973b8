"""Features of one's own, and which features are tried on which text."""

import heapq
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

from charrnn.errors import ConfigError
from charrnn.neurons.features import Feature, own, registry
from charrnn.neurons.features.own import load, regex_feature
from charrnn.neurons.features.registry import FEATURES, TRIED, all_features, feature_named, features_for
from charrnn.neurons.features.text_kind import text_kind

NAN = float("nan")


@pytest.mark.parametrize(
    ("definition", "text", "expected"),
    [
        ("year=[0-9]{4}", "in 1812!", "00011110"),
        ("same=(.)\\1", "aabcc", "11011"),
        ("equals=a=b", "xa=b", "0111"),
        ("empty=x*", "ab", "00"),
    ],
)
def test_the_characters_of_a_regular_expressions_match_are_1(definition, text, expected):
    feature = regex_feature(definition)
    assert feature.name == definition.split("=")[0]
    assert (feature.binary, feature.predictive) == (True, True)  # a match is known at its end
    assert "".join(str(int(value)) for value in feature.values(text)) == expected


@pytest.mark.parametrize("definition", ["", "year", "=x", "year=", "a b=x", "paren=("])
def test_what_defines_no_feature_is_refused(definition):
    with pytest.raises(ConfigError, match=r"defines no feature|is no regular expression"):
        regex_feature(definition)


def vowels(text):
    """Vowels, and nothing else.

    More of it.
    """
    return [c in "aeiou" for c in text]


READY = Feature("its own name", "as it says", True, lambda text: np.array([c == "x" for c in text], float), "prose")


def too_short(text):
    return [0.0]


def failing(text):
    raise ZeroDivisionError("oh")


def entry(name):
    return EntryPoint(name, f"{__name__}:{name}", "charrnn.features")


@pytest.fixture
def installed(monkeypatch):
    """A function that offers objects of this file as an installed package would."""

    def offer(**objects):
        entries = {name: entry(name) for name in objects}
        monkeypatch.setattr(EntryPoint, "load", lambda self: objects[self.name])
        monkeypatch.setattr(own, "offered", lambda: entries)
        monkeypatch.setattr(registry, "offered", lambda: entries)

    return offer


def test_an_installed_function_is_a_feature_by_its_entry_points_name(installed):
    installed(vowel=vowels)
    feature = feature_named("vowel")
    assert (feature.name, feature.sentence, feature.kind) == ("vowel", "Vowels, and nothing else.", "any")
    assert feature.values("ab e").tolist() == [1, 0, 0, 1]
    assert [feature.name for feature in all_features()] == [*FEATURES, "vowel"]


def test_an_installed_feature_keeps_what_it_says_of_itself_but_its_name(installed):
    installed(crosses=READY)
    feature = feature_named("crosses")
    assert (feature.name, feature.sentence, feature.binary, feature.kind) == ("crosses", "as it says", True, "prose")
    assert "crosses" in {feature.name for feature in features_for("prose")}
    assert "crosses" not in {feature.name for feature in features_for("c")}


def test_a_feature_of_this_package_is_not_replaced(installed):
    installed(inside_quotes=vowels)
    assert feature_named("inside_quotes") is FEATURES["inside_quotes"]


@pytest.mark.parametrize(("function", "why"), [(too_short, "2 characters"), (failing, "fails: oh"), (3, "no function")])
def test_an_installed_feature_that_does_not_work_is_named(installed, function, why):
    installed(odd=function)
    with pytest.raises(ConfigError, match=f"the feature odd .*{why}"):
        feature_named("odd").values("ab")


def test_an_entry_point_that_cannot_be_loaded_is_named():
    with pytest.raises(ConfigError, match=r"the feature odd \(no_such_module:f\) cannot be loaded"):
        load(EntryPoint("odd", "no_such_module:f", "charrnn.features"))


def test_there_are_features_to_try_on_each_kind_of_text_and_none_is_left_over():
    tried = {kind: {feature.name for feature in features_for(kind)} for kind in TRIED}
    assert set().union(*tried.values()) == set(FEATURES)
    assert "inside_quotes" in tried["prose"]
    assert "indentation" in tried["c"] & tried["python"]
    assert "speech_line" not in tried["prose"]


PLAY = "ROMEO:\nIs the day so young?\n\nBENVOLIO:\nBut new struck nine.\n\n" * 5
C = "#include <a.h>\n\n/* Adds. */\nint f(int a)\n{\n\tif (a)\n\t\treturn a + 1;\n\treturn 0;\n}\n\n"
PAGE = '<!doctype html>\n<title>A</title>\n<p class="b">One\nline <b>more</b>\n</p>\n'


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (PLAY, "play"),
        (C, "c"),
        (PAGE, "markup"),
        (Path(heapq.__file__).read_text("utf-8"), "python"),
        ("He said: “Go.” And so, for a while;\nif I may say it, they went.\n\nThat was all.\n", "prose"),
        ("", "prose"),
    ],
)
def test_the_kind_of_a_text_is_seen(text, kind):
    assert text_kind(text) == kind


def test_a_pattern_is_matched_line_by_line():
    text = "Xa\nbX\nX"
    assert regex_feature("first=^X").values(text).tolist() == [1, 0, 0, 0, 0, 0, 1]
    assert regex_feature("last=X$").values(text).tolist() == [0, 0, 0, 0, 1, 0, 1]
    assert regex_feature(r"whole=\AX").values(text).tolist() == [1, 0, 0, 0, 0, 0, 0]
