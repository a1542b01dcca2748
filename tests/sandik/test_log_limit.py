import logging

from sandik.log_limit import LINES, PERIOD_S, Repeats


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
