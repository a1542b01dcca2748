from producers.chance import seeded
from producers.scenarios.library import read_scenario
from producers.simulating.plan import (
    ANNULLED,
    MOST_REVISIONS,
    TRUE,
    WITHDRAWN,
    Revisions,
    Statement,
    revisions_of,
)

AA = read_scenario().sources[0]
ACT = Statement("act", 3)


def told(**shares: float) -> Revisions:
    habits = {"typo": 0.0, "unattributed": 0.0, "withdrawn": 0.0, "lasting": 0.0} | shares
    return revisions_of(AA.model_copy(update=habits), 2, 100, seeded(1))


def test_habits_decide_what_is_reported() -> None:
    assert told().statements == [TRUE]
    assert told(typo=1.0).statements == [Statement("slip", 2), TRUE]
    assert told(unattributed=1.0).statements == [Statement("held", 2), TRUE]
    assert told(withdrawn=1.0).statements == [TRUE, WITHDRAWN, TRUE]
    assert told(lasting=1.0).statements == [Statement("slip", 2)]


def test_revisions_wait_four_minutes_at_least_and_four_hours_at_most() -> None:
    first, second = told(typo=1.0).dues
    assert first == 100
    assert 4 * 60 <= second - first <= 240 * 60


def test_a_mistake_is_reported_until_it_is_corrected() -> None:
    revisions = told()
    revisions.report_wrongly(ACT, 500)
    assert (revisions.dues, revisions.statements) == ([100, 500], [ACT, TRUE])


def test_what_comes_after_the_correction_is_right() -> None:
    revisions = Revisions([600, 700], [Statement("slip"), TRUE])
    revisions.report_wrongly(ACT, 500)
    assert revisions.statements == [Statement("slip"), TRUE]


def test_a_box_that_is_reported_rightly_later_anyway_is_corrected_then() -> None:
    revisions = Revisions([100, 200, 900], [TRUE, WITHDRAWN, TRUE])
    revisions.report_wrongly(ACT, 500)
    assert (revisions.dues, revisions.statements) == ([100, 200, 900], [ACT, WITHDRAWN, TRUE])


def test_an_annulment_takes_the_place_of_what_would_have_come() -> None:
    revisions = Revisions([100, 900], [Statement("slip"), TRUE])
    revisions.annul(500, 1_000, ACT)
    assert (revisions.dues, revisions.statements) == ([100, 500, 1_000], [Statement("slip"), ANNULLED, ACT])


def test_a_freeze_delays_what_it_held_up_into_the_catch_up() -> None:
    revisions = Revisions([100, 200, 300, 900], [TRUE, TRUE, TRUE, TRUE])
    revisions.delay(150, 500, 600)
    assert revisions.dues[0] == 100
    assert 500 <= revisions.dues[1] < revisions.dues[2] < 600
    assert revisions.dues[3] == 900


def test_a_freeze_keeps_revisions_apart() -> None:
    revisions = Revisions([100, 101, 102], [TRUE, TRUE, TRUE])
    revisions.delay(50, 500, 501)
    assert revisions.dues == [500, 501, 502]


def test_a_relay_passes_on_what_it_hears_later() -> None:
    revisions = Revisions([100, 200], [Statement("slip", 0), TRUE]).relayed(60, None, seeded(1))
    assert (revisions.dues, revisions.statements) == ([160, 260], [Statement("slip", 0), TRUE])


def test_a_relay_corrects_its_own_slip_and_then_passes_on_what_it_heard() -> None:
    revisions = Revisions([100, 200], [Statement("slip", 0), TRUE]).relayed(60, Statement("slip", 4), seeded(1))
    assert revisions.statements == [Statement("slip", 4), Statement("slip", 0), TRUE]
    assert revisions.dues == sorted(set(revisions.dues))
    assert revisions.dues[1] >= 160 + 4 * 60
    assert len(revisions.statements) < MOST_REVISIONS
