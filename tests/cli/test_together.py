"""What several processes that torchrun has started must have in common before they train."""

import pytest

from charrnn.cli.runs import _compare, _refuse_stdin
from charrnn.errors import RunError, SourceError
from charrnn.text.corpus import Corpus
from charrnn.text.sources import Text
from charrnn.training.group import Group
from charrnn.training.resume import Sources

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
        _compare(CORPUS, second("0" * 64))


def test_processes_that_have_read_the_same_text_go_on():
    _compare(CORPUS, second(CORPUS.sha256))
    _compare(CORPUS, Group())


def test_stdin_is_for_one_process_only():
    sources = Sources(("a.txt", "-"), "utf-8", 0.1, 0)
    _refuse_stdin(sources, Group())
    with pytest.raises(SourceError, match="2 processes cannot read one stdin; write the text to a file"):
        _refuse_stdin(sources, second(None))
