from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from tabulation.orders.embargo import NO_EMBARGO, Embargo, longest
from tests.builders import NIGHT

EMBARGOES = st.builds(
    Embargo, st.none() | st.integers(0, 3).map(lambda hours: NIGHT + timedelta(hours=hours)), st.booleans()
)
MOMENTS = st.integers(0, 8).map(lambda halves: NIGHT + timedelta(minutes=30 * halves))


@given(EMBARGOES, st.lists(EMBARGOES), MOMENTS)
def test_the_longest_of_embargoes_is_in_force_while_any_of_them_is(
    first: Embargo, others: list[Embargo], moment: object
) -> None:
    expected = any(one.is_in_force(moment) for one in (first, *others))  # type: ignore[arg-type]  # Hypothesis's
    assert expected == longest(first, others).is_in_force(moment)  # type: ignore[arg-type]  # Hypothesis's


def test_of_embargoes_that_end_at_the_same_time_the_first_stands() -> None:
    first, second = Embargo(NIGHT), Embargo(NIGHT)
    assert longest(first, [second]) is first
    assert longest(NO_EMBARGO, []) is NO_EMBARGO
