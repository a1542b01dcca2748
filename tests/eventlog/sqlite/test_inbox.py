"""What ends the sleep of the log's thread, and what does not. Sleeps have no limit here: one that goes on hangs."""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from eventlog.sqlite.inbox import Inbox
from eventlog.sqlite.touches import Touches, touch
from tests.patience import LIMIT_S

needs_inotify = pytest.mark.skipif(sys.platform != "linux", reason="inotify is Linux's")


@pytest.fixture
def inbox() -> Iterator[Inbox[str]]:
    with closing(Inbox[str]()) as made:
        yield made


@pytest.fixture
def hearing(inbox: Inbox[str], file: Path) -> Inbox[str]:
    """An inbox that heeds touches of the file, never looks, and after a touch heeds no other before an item comes."""
    touches = Touches.watch(file)
    assert touches is not None
    inbox.hear(touches, look_ms=None, pause_ms=None)
    return inbox


def sleep_until_item(inbox: Inbox[str], put: Callable[[], None]) -> int:
    """Sleep in another thread until there is an item, and `put` it meanwhile, or just before: it makes no difference.

    Returns how many sleeps it took: one, or two where the bell was still heard that was rung for an item seen before.
    """
    begun, sleeps = threading.Event(), []

    def run() -> None:
        begun.set()
        while not inbox:
            inbox.sleep()
            sleeps.append(1)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    assert begun.wait(LIMIT_S)
    put()
    thread.join(LIMIT_S)
    assert not thread.is_alive()
    assert "one" == inbox.take()
    return len(sleeps)


def test_items_come_in_their_order(inbox: Inbox[str]) -> None:
    inbox.put("one")
    inbox.put("two")
    inbox.sleep()
    assert ["one", "two", False] == [inbox.take(), inbox.take(), bool(inbox)]
    with pytest.raises(IndexError):
        inbox.take()


@needs_inotify
@pytest.mark.parametrize("watching", [True, False])
def test_an_item_ends_a_sleep(hearing: Inbox[str], watching: bool) -> None:
    hearing.watch(watching)
    for _ in range(100):
        assert sleep_until_item(hearing, lambda: hearing.put("one")) <= 2


def test_who_begins_to_watch_ends_a_sleep(inbox: Inbox[str]) -> None:
    """It had no limit; the next one lasts until the next look."""
    thread = threading.Thread(target=inbox.sleep, daemon=True)
    thread.start()
    inbox.watch(True)
    thread.join(LIMIT_S)
    assert not thread.is_alive()
    inbox.sleep()


@needs_inotify
def test_a_touch_ends_the_sleep_of_who_watches(hearing: Inbox[str], file: Path) -> None:
    hearing.watch(True)
    thread = threading.Thread(target=hearing.sleep, daemon=True)
    thread.start()
    touch(file)
    thread.join(LIMIT_S)
    assert not thread.is_alive()


@needs_inotify
def test_a_touch_ends_one_sleep_after_another_until_it_is_forgotten(hearing: Inbox[str], file: Path) -> None:
    touch(file)
    hearing.watch(True)
    hearing.sleep()
    hearing.forget_touches()
    assert sleep_until_item(hearing, lambda: hearing.put("one")) <= 2


@needs_inotify
def test_touches_are_left_alone_for_a_while_after_one(hearing: Inbox[str], file: Path) -> None:
    hearing.watch(True)
    touch(file)
    hearing.sleep()
    hearing.forget_touches()
    touch(file)
    assert sleep_until_item(hearing, lambda: hearing.put("one")) <= 2


@needs_inotify
def test_while_nobody_watches_touches_end_no_sleep_and_are_not_lost(hearing: Inbox[str], file: Path) -> None:
    touch(file)
    assert sleep_until_item(hearing, lambda: hearing.put("one")) <= 2
    hearing.watch(True)
    hearing.sleep()
