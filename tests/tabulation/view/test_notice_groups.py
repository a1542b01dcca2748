from datetime import timedelta

from schemas.notice import Notice
from tabulation.view.notice_groups import NoticeGroup, NoticeGroups
from tests.gateway.nights import START, Written, election
from tests.schemas.test_notice import notice

GROUP = NoticeGroup("restarted", "aa", "mayor")


def fold(*said: Notice | bytes) -> NoticeGroups:
    notices = NoticeGroups(election())
    for offset, one in enumerate(said):
        value, key = (one, b"notice:x") if isinstance(one, bytes) else (one.encode(), one.key)
        notices.fold(Written(offset, value, key=key))
    return notices


def test_of_each_cell_and_kind_the_newest_counts() -> None:
    notices = fold(
        notice(offset=5, count=2),
        notice(offset=4, count=9),
        notice(kind="ahead", count=3),
        notice(district="tr/34/adalar", count=4),
        notice(source="anka", count=7),
    )

    assert {GROUP: 6, NoticeGroup("ahead", "aa", "mayor"): 3, GROUP._replace(source="anka"): 7} == notices.groups
    assert {"aa": 6, "anka": 7} == notices.by_source("restarted")
    assert {"aa": 3} == notices.by_source("ahead")
    assert 4 == notices.changes


def test_what_is_no_notice_or_of_another_version_or_about_nothing_known_says_nothing() -> None:
    later = notice().encode().replace(b'"v":1', b'"v":2')
    notices = fold(b"junk", later, notice(district="tr/34/moon"), notice(source="nobody"), notice(contest="senate"))
    notices.fold(Written(9, notice().encode(), key=b"mayor/aa/tr/34/uskudar"))
    notices.fold(Written(10, None, key=notice().key))

    assert ({}, 0) == (notices.groups, notices.changes)


def test_impossible_boxes_that_are_corrected_are_noticed_no_more() -> None:
    kind, group = "impossible", GROUP._replace(kind="impossible")
    notices = fold(
        notice(kind=kind, offset=5, count=2),
        notice(kind=kind, offset=5, count=1, district="tr/34/adalar"),
        notice(kind=kind, offset=9, count=0),
    )

    assert ({group: 1}, "tr/34/adalar") == (notices.groups, notices.unit(group))
    assert "tr/34/adalar" == notices.newest(group).district


def test_a_group_is_placed_in_the_lowest_unit_that_has_all_of_it() -> None:
    later = notice(district="tr/34/adalar", at=START + timedelta(hours=1))

    assert "tr/34/uskudar" == fold(notice()).unit(GROUP)
    assert "tr/34" == fold(notice(), later).unit(GROUP)
    assert "tr" == fold(notice(), later, notice(district="tr/06/cankaya")).unit(GROUP)
    assert later == fold(notice(), later).newest(GROUP)
