"""The made-up corpus and its server, which the tests of this room share with those of hostile servers."""

from servers import poems, server

__all__ = ["poems", "server"]
