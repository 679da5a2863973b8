"""Whether a running text looks like a list of short texts, which are better learned one by one."""

from itertools import pairwise

import numpy as np

from charrnn.text.catalogue import CATALOGUE
from charrnn.text.corpus import Corpus

EXAMINED = 200_000  # characters of the training part
SHORT = 40  # characters of nearly every line of a list
FEW = 30  # lines that are too few to tell
SORTED = 0.9  # of the lines of a sorted list begin no earlier in the alphabet than the line before
REPEATED = 0.02  # of the lines of a list of names, at least, stand in it twice; blank ones do not count
ENDS = ".,;:!?\"'”’»)-—"  # with which lines of prose and verse end, and entries of lists hardly ever


def suggestion(corpus: Corpus) -> str | None:
    """Return a line that suggests to learn a text's lines as items; None where it does not look like a list.

    Nearly all lines of a list are short and end in no punctuation, none is indented, hardly any is blank; and the list
    is sorted, or some lines are there twice.
    """
    if "\n" not in corpus.vocabulary or corpus.vocabulary.end is not None:
        return None
    named = CATALOGUE.get(corpus.name)
    if named and named.as_items and named.source == corpus.source:
        return f"{corpus.name} is a set of many short texts: {named.as_items} learns them one by one"
    text = corpus.vocabulary.decode(corpus.parts["train"][:EXAMINED])
    lines = text.split("\n")[:-1]
    if len(lines) < FEW or sum(map(_is_entry, lines)) < 0.98 * len(lines):
        return None
    in_order = np.mean([one <= other for one, other in pairwise(lines)])
    if in_order < SORTED and len(set(lines)) > (1 - REPEATED) * len(lines):
        return None
    return f"the text looks like a list of {len(lines):,} lines or more: --each line learns them one by one"


def _is_entry(line: str) -> bool:
    return 0 < len(line) <= SHORT and not line[0].isspace() and line[-1] not in ENDS
