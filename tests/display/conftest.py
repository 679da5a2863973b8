"""Texts that would act on a terminal or a page if they were let."""

import pytest

HOSTILE = (
    "</script><script>alert(1)</script><b onclick='x'>\"q\" & {{ 7*7 }} {% raw %} <!-- ]]> [red]markup[/red] [link=x]"
    "\x00\x07\x08\x0b\x0c\r\x1b[31m\x1b]0;title\x07\x7f\x80\x9b31m\u200b\u200f\u202eevil\u202c\u2066x\u2069\u2028\ufeff\ufffe"
)


@pytest.fixture
def hostile():
    return HOSTILE
