from sandik.graphics.catalogue import GRAPHICS, MANNER, SELECTION

SPX_LAYERS = range(1, 6)
"""SPX-GC 1.3 takes any other for 5."""


def test_every_graphic_has_a_name_a_place_and_parameters_of_its_own() -> None:
    assert len(GRAPHICS) == len({graphic.name for graphic in GRAPHICS})
    for graphic in GRAPHICS:
        names = [one.name for one in (*SELECTION, *graphic.parameters, *MANNER)]
        assert len(names) == len(set(names))
        assert graphic.layer in SPX_LAYERS
        assert graphic.title
        assert graphic.description.endswith(".")


def test_standards_are_among_what_may_be_said() -> None:
    for graphic in GRAPHICS:
        for one in (*graphic.parameters, *MANNER):
            if one.kind == "whole":
                assert isinstance(one.standard, int)
                assert one.least <= one.standard <= one.most
            if one.kind == "choice":
                assert one.standard in one.words
