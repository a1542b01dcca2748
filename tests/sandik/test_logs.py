import logging
import sys

import orjson
import pytest

from sandik.logs import LINES, PERIOD_S, LogForm, Repeats, configure_logs


def test_a_line_for_machines_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogForm.JSON, verbose=False)
    logging.getLogger("gateway.follow").warning("The log is away for %d s.", 3, extra={"run": "gece-ığ"})

    line = orjson.loads(capsys.readouterr().err)
    assert ("The log is away for 3 s.", "warning", "gateway.follow", "gece-ığ") == (
        line["event"],
        line["level"],
        line["logger"],
        line["run"],
    )
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("form", list(LogForm))
def test_a_traceback_shows_no_values(form: LogForm, capsys: pytest.CaptureFixture[str]) -> None:
    """What a function holds may be a token, and writing all of it out takes the event loop's time."""
    configure_logs(form, verbose=False)
    token = "eyJhbGciOiJIUzI1NiJ9".swapcase()

    def fails(secret: str) -> None:
        raise ValueError(len(secret))

    try:
        fails(token)
    except ValueError:
        logging.getLogger("uvicorn.error").exception("Exception in ASGI application")

    written = capsys.readouterr().err
    assert "ValueError: 20" in written
    assert token not in written


@pytest.mark.parametrize(("verbose", "shown"), [(False, False), (True, True)])
def test_only_verbose_says_what_is_going_on(verbose: bool, shown: bool, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogForm.CONSOLE, verbose=verbose)
    logging.getLogger("consumers.aggregate").info("Folding partitions.")

    assert shown == ("Folding partitions." in capsys.readouterr().err)


def test_an_outage_does_not_fill_the_log(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogForm.CONSOLE, verbose=True)
    for node in range(300):
        logging.getLogger("aiokafka.client").error("Unable connect to node with id %d: refused", node)
    logging.getLogger("aiokafka.client").error("Topic %s is not there.", "tallies")

    written = capsys.readouterr().err
    assert LINES == written.count("Unable connect")
    assert 1 == written.count("is not there")


def test_a_line_for_people_names_level_logger_and_what_came_along(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogForm.CONSOLE, verbose=False)
    extra = {"run": "gece-ığ", "place": "two words", "of": None, "sign": "a'b"}
    logging.getLogger("gateway.follow").warning("The log is away for %d s.", 3, extra=extra)

    time, _, rest = capsys.readouterr().err.partition(" ")
    assert time.endswith("Z")
    assert (
        """[warning  ] The log is away for 3 s. [gateway.follow] of=None place='two words' run=gece-ığ sign="a'b"\n"""
        == rest
    )


def test_what_json_does_not_know_is_written_as_python_shows_it(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs(LogForm.JSON, verbose=False)
    logging.getLogger("gateway.follow").error("It failed.", extra={"why": ValueError("a")}, stack_info=True)

    line = orjson.loads(capsys.readouterr().err)
    assert "ValueError('a')" == line["why"]
    assert "test_what_json_does_not_know" in line["stack_info"]


def record(
    at: float, message: str = "Node %d is away.", number: int = 1, logger: str = "aiokafka"
) -> logging.LogRecord:
    made = logging.LogRecord(logger, logging.WARNING, __file__, 1, message, (number,) if "%" in message else None, None)
    made.created = at
    return made


def test_of_lines_that_differ_in_numbers_only_a_few_are_written_in_a_period() -> None:
    repeats = Repeats()
    written = [repeats.filter(record(at=100 + second / 10, number=second)) for second in range(100)]

    assert written == [True] * LINES + [False] * (100 - LINES)


def test_an_hour_of_an_outage_with_ten_lines_a_second_is_a_few_lines_a_minute() -> None:
    repeats = Repeats()
    written = sum(repeats.filter(record(at=tenth / 10)) for tenth in range(36_000))

    assert written == LINES * 3_600 // PERIOD_S


def test_the_next_line_says_how_many_were_left_out() -> None:
    repeats = Repeats()
    for _ in range(LINES + 7):
        repeats.filter(record(at=100))
    late = record(at=100 + PERIOD_S, number=4)

    assert repeats.filter(late)
    assert late.getMessage() == "Node 4 is away. (It was said 7 times more meanwhile.)"


def test_other_words_other_loggers_and_other_levels_have_lines_of_their_own() -> None:
    repeats = Repeats()
    for _ in range(LINES + 1):
        repeats.filter(record(at=100))
    louder = record(at=100)
    louder.levelno = logging.ERROR

    assert not repeats.filter(record(at=100))
    assert all(
        repeats.filter(one)
        for one in (
            record(at=100, message="aa: boxes of tr/34/adalar went back, 100 % of them."),
            record(at=100, logger="gateway.follow"),
            louder,
        )
    )


def test_a_clock_that_is_put_back_silences_nothing() -> None:
    repeats = Repeats()
    for _ in range(LINES + 1):
        repeats.filter(record(at=7_200))

    assert repeats.filter(record(at=3_600))


def test_what_is_remembered_is_bounded() -> None:
    repeats = Repeats()
    assert all(repeats.filter(record(at=100, message=f"{'x' * length}.")) for length in range(3_000))
    assert len(repeats._periods) <= 1_000


def test_a_level_has_its_colour_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    configure_logs(LogForm.CONSOLE, verbose=False)
    logging.getLogger("gateway").warning("slow")

    assert "[\x1b[33mwarning  \x1b[0m] slow [gateway]" in capsys.readouterr().err
