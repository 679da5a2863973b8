"""What several processes that torchrun has started must have in common before they train."""

import pytest

from charrnn.errors import RunError, SourceError
from charrnn.text.corpus import Corpus
from charrnn.text.sources import Text
from charrnn.text.spec import TextSpec
from charrnn.training.group import Group
from charrnn.training.prepared import compare_texts, refuse_stdin

CORPUS = Corpus.from_text(Text("song", "abcade\n" * 9), 0, 0)


class Second(Group):
    """The second of two processes, told that the first has found `what`."""

    what: object

    def found_by_the_first(self, find):
        return self.what


def second(what):
    group = Second(1, 2)
    object.__setattr__(group, "what", what)
    return group


def test_a_process_that_has_read_another_text_than_the_first_says_so():
    with pytest.raises(RunError, match="the text song of process 1 is not that of process 0; put the same text on"):
        compare_texts(CORPUS, second("0" * 64))


def test_processes_that_have_read_the_same_text_go_on():
    compare_texts(CORPUS, second(CORPUS.sha256))
    compare_texts(CORPUS, Group())


def test_stdin_is_for_one_process_only():
    sources = TextSpec(("a.txt", "-"), "utf-8", 0.1, 0)
    refuse_stdin(sources, Group())
    with pytest.raises(SourceError, match="2 processes cannot read one stdin; write the text to a file"):
        refuse_stdin(sources, second(None))
