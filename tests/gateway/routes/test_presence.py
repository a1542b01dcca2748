"""Who is in the control room."""

from datetime import UTC, datetime

from gateway.admission.access import Grant
from gateway.routes.control import HERE_FOR, MOST_HERE, Presence

NOW = datetime(2024, 3, 31, 19, tzinfo=UTC)
AYSE = Grant(scope="operator", subject="desk")


def test_who_looked_is_here_until_they_stop_looking() -> None:
    presence = Presence()
    presence.note(AYSE, "Ayşe", NOW)
    presence.note(Grant(scope="control_room", subject="wall"), "", NOW + HERE_FOR / 2)

    assert ["", "Ayşe"] == [one["name"] for one in presence.here(NOW + HERE_FOR)]
    assert [{"subject": "wall", "name": "", "scope": "control_room"}] == presence.here(NOW + HERE_FOR * 1.2)


def test_who_looks_again_is_one_and_two_names_on_one_token_are_two() -> None:
    presence = Presence()
    for name in ("Ayşe", "Ayşe", "Kaya"):
        presence.note(AYSE, name, NOW)
    assert ["Ayşe", "Kaya"] == [one["name"] for one in presence.here(NOW)]


def test_no_more_are_kept_than_a_room_seats_and_no_name_is_longer_than_one() -> None:
    presence = Presence()
    for number in range(MOST_HERE + 5):
        presence.note(AYSE, f"{number:03}{'x' * 200}", NOW)
    here = presence.here(NOW)
    assert (MOST_HERE, "005") == (len(here), str(here[0]["name"])[:3])
    assert {100} == {len(str(one["name"])) for one in here}
