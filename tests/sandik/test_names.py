from sandik.names import Names
from tests.builders import small_election

NAMES = Names(small_election())


def test_a_name_has_its_id_beside_it() -> None:
    assert NAMES.contest("mayor") == "Büyükşehir Belediye Başkanlığı (mayor)"
    assert NAMES.source("aa") == "Anadolu Ajansı (aa)"
    assert NAMES.unit("tr/34") == "İstanbul (tr/34)"


def test_a_candidate_is_called_as_on_the_units_own_ballot() -> None:
    assert NAMES.candidate("district_mayor", "tr/34/uskudar", "chp") == "CHP (chp)"
    assert NAMES.candidate("district_mayor", "tr/41/gebze", "chp") == "Gebze Adayı (chp)"
    assert NAMES.candidate("district_mayor", "tr/41", "chp") == "CHP (chp)"


def test_who_has_no_name_there_is_called_by_the_id() -> None:
    assert NAMES.candidate("district_mayor", "tr/41/gebze", "ak_parti") == "ak_parti"
