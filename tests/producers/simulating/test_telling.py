from producers.chance import seeded
from producers.scenarios.library import read_scenario
from producers.simulating.telling import ANNULLED, MOST_REVISIONS, TRUE, WITHDRAWN, Said, Telling, tell

AA = read_scenario().sources[0]
ACT = Said("act", 3)


def told(**shares: float) -> Telling:
    habits = {"typo": 0.0, "unattributed": 0.0, "withdrawn": 0.0, "lasting": 0.0} | shares
    return tell(AA.model_copy(update=habits), 2, 100, seeded(1))


def test_habits_decide_what_is_said() -> None:
    assert told().says == [TRUE]
    assert told(typo=1.0).says == [Said("slip", 2), TRUE]
    assert told(unattributed=1.0).says == [Said("held", 2), TRUE]
    assert told(withdrawn=1.0).says == [TRUE, WITHDRAWN, TRUE]
    assert told(lasting=1.0).says == [Said("slip", 2)]


def test_revisions_wait_four_minutes_at_least_and_four_hours_at_most() -> None:
    first, second = told(typo=1.0).dues
    assert first == 100
    assert 4 * 60 <= second - first <= 240 * 60


def test_a_mistake_is_said_until_it_is_mended() -> None:
    telling = told()
    telling.mistake(ACT, 500)
    assert (telling.dues, telling.says) == ([100, 500], [ACT, TRUE])


def test_what_comes_after_the_mending_is_right() -> None:
    telling = Telling([600, 700], [Said("slip"), TRUE])
    telling.mistake(ACT, 500)
    assert telling.says == [Said("slip"), TRUE]


def test_a_box_that_is_told_truly_later_anyway_is_mended_then() -> None:
    telling = Telling([100, 200, 900], [TRUE, WITHDRAWN, TRUE])
    telling.mistake(ACT, 500)
    assert (telling.dues, telling.says) == ([100, 200, 900], [ACT, WITHDRAWN, TRUE])


def test_an_annulment_takes_the_place_of_what_would_have_come() -> None:
    telling = Telling([100, 900], [Said("slip"), TRUE])
    telling.annul(500, 1_000, ACT)
    assert (telling.dues, telling.says) == ([100, 500, 1_000], [Said("slip"), ANNULLED, ACT])


def test_a_freeze_squeezes_what_it_held_up() -> None:
    telling = Telling([100, 200, 300, 900], [TRUE, TRUE, TRUE, TRUE])
    telling.squeeze(150, 500, 600)
    assert telling.dues[0] == 100
    assert 500 <= telling.dues[1] < telling.dues[2] < 600
    assert telling.dues[3] == 900


def test_a_freeze_keeps_revisions_apart() -> None:
    telling = Telling([100, 101, 102], [TRUE, TRUE, TRUE])
    telling.squeeze(50, 500, 501)
    assert telling.dues == [500, 501, 502]


def test_a_relay_passes_on_what_it_hears_later() -> None:
    telling = Telling([100, 200], [Said("slip", 0), TRUE]).relayed(60, None, seeded(1))
    assert (telling.dues, telling.says) == ([160, 260], [Said("slip", 0), TRUE])


def test_a_relay_mends_its_own_slip_and_then_says_what_it_heard() -> None:
    telling = Telling([100, 200], [Said("slip", 0), TRUE]).relayed(60, Said("slip", 4), seeded(1))
    assert telling.says == [Said("slip", 4), Said("slip", 0), TRUE]
    assert telling.dues == sorted(set(telling.dues))
    assert telling.dues[1] >= 160 + 4 * 60
    assert len(telling.says) < MOST_REVISIONS
