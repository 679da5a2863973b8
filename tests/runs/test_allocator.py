from charrnn.runs import allocator
from charrnn.runs.allocator import keep_freed_memory


def test_it_tells_whether_memory_is_kept():
    assert isinstance(keep_freed_memory(), bool)


def test_elsewhere_than_on_linux_nothing_happens(monkeypatch):
    monkeypatch.setattr(allocator.sys, "platform", "darwin")
    monkeypatch.setattr(allocator.ctypes, "CDLL", None)
    assert keep_freed_memory() is False


def test_on_a_linux_without_glibc_nothing_happens(monkeypatch):
    def missing(name):
        raise OSError(name)

    monkeypatch.setattr(allocator.sys, "platform", "linux")
    monkeypatch.setattr(allocator.ctypes, "CDLL", missing)
    assert keep_freed_memory() is False
