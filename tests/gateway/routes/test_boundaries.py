from typing import Any

import orjson
import pytest

from gateway.routes.boundaries import MAX_BOUNDARIES_BYTES, read_boundaries
from schemas.errors import UsageError

RING = [[28.0, 41.0], [29.0, 41.0], [29.0, 42.0], [28.0, 41.0]]


def feature(slug: object = "fatih", kind: str = "Polygon", coordinates: object = None) -> dict[str, Any]:
    """One district's outline."""
    given = [RING] if coordinates is None else coordinates
    return {"type": "Feature", "properties": {"slug": slug}, "geometry": {"type": kind, "coordinates": given}}


def collection(*features: object) -> bytes:
    """A file of them."""
    return orjson.dumps({"type": "FeatureCollection", "features": features})


def test_good_boundaries_are_served_as_they_are_with_an_etag_of_their_own() -> None:
    plain = read_boundaries(collection(feature(), feature("sile", "MultiPolygon", [[RING], [RING]])))

    assert plain.etag != read_boundaries(collection(feature("sile"))).etag
    assert 2 == len(orjson.loads(plain.body)["features"])


def test_a_feature_may_be_named_by_its_id() -> None:
    named = {**feature(), "properties": None, "id": "kadikoy"}

    with pytest.raises(UsageError, match="two features of 'kadikoy'"):
        read_boundaries(collection(named, feature("kadikoy")))


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "is not JSON"),
        (b"[]", "no GeoJSON FeatureCollection"),
        (orjson.dumps({"type": "FeatureCollection"}), "has no features"),
        (collection(), "has no features"),
        (collection("x"), "no GeoJSON Feature"),
        (collection(feature(None)), "has no slug"),
        (collection(feature(), feature()), "two features of 'fatih'"),
        (collection({**feature(), "geometry": None}), "is a None"),
        (collection(feature(kind="Point", coordinates=[28, 41])), "is a Point"),
        (collection({**feature(), "geometry": {"type": ["Polygon"]}}), r"is a \['Polygon'\]"),
        (collection(feature(coordinates=[])), "no list of rings"),
        (collection(feature(coordinates=[[[28, 41], [29, 41], [28, 41]]])), "fewer than 4"),
        (collection(feature(coordinates=[[*RING[:3], [28.5, 41.0]]])), "not closed"),
        (collection(feature(coordinates=[[[412_000, 4_540_000]] * 4])), "EPSG:4326"),
        (collection(feature(coordinates=[[[28], [28], [28], [28]]])), "EPSG:4326"),
        (collection(feature(coordinates=[[["a", "b"]] * 4])), "EPSG:4326"),
        (b" " * (MAX_BOUNDARIES_BYTES + 1), "at most"),
    ],
)
def test_what_cannot_be_drawn_is_refused_with_what_to_do(body: bytes, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        read_boundaries(body, "mine.geojson")
