"""Loggers and the garbage collector are as they were before whatever a command does with them."""

import gc
import logging

import pytest
from uvicorn import Config

from sandik.logs import LogForm, configure_logs
from sandik.process import calm_garbage_collector
from tests.process_state import put_back


def test_a_command_and_a_server_leave_no_trace_in_the_process() -> None:
    before = set_of_the_process()
    with put_back():
        configure_logs(LogForm.JSON, verbose=True)
        Config("nothing")
        logging.disable(logging.ERROR)
        calm_garbage_collector()
        gc.disable()
        assert before != set_of_the_process()

    assert before == set_of_the_process()


def test_it_is_put_back_also_where_the_test_fails() -> None:
    before = set_of_the_process()
    with pytest.raises(ValueError, match="a test"):
        spoil_and_fail()

    assert before == set_of_the_process()


@put_back()
def spoil_and_fail() -> None:
    """As a test does that leaves in the middle."""
    logging.getLogger("uvicorn.access").propagate = False
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    raise ValueError("a test")


def set_of_the_process() -> object:
    """What may have been changed."""
    names = ("", "gateway", "sandik", "aiokafka", "uvicorn", "uvicorn.access", "uvicorn.error")
    loggers = [
        (logger.level, logger.propagate, logger.disabled, list(logger.handlers), list(logger.filters))
        for logger in map(logging.getLogger, names)
    ]
    return loggers, logging.root.manager.disable, gc.get_threshold(), gc.isenabled()
