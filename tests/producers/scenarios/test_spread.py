from producers.scenarios.library import read_scenario


def test_the_whole_country_has_its_boxes_voters_and_districts() -> None:
    turkiye = read_scenario("turkiye-2024")
    assert sum(district.boxes for district in turkiye.districts) == 206_845
    assert sum(district.registered for district in turkiye.districts) == 61_441_882
    assert (len(turkiye.provinces), len(turkiye.districts)) == (81, 973)


def test_districts_differ_in_size_and_character() -> None:
    istanbul = [one for one in read_scenario("turkiye-2024").districts if one.id.startswith("tr/34/")]
    assert len(istanbul) == 39
    assert max(one.boxes for one in istanbul) > 5 * min(one.boxes for one in istanbul)
    shares = [one.results["mayor"].votes["chp"] / one.results["mayor"].valid for one in istanbul]
    assert max(shares) - min(shares) > 0.2


def test_no_box_has_more_voters_than_a_roll_holds() -> None:
    assert max(one.registered / one.boxes for one in read_scenario("turkiye-2024").districts) < 350


def test_the_same_districts_are_drawn_every_time() -> None:
    assert read_scenario("turkiye-2024").districts == read_scenario("turkiye-2024").districts
