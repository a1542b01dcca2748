"""Boundaries that a user gives: GeoJSON (RFC 7946), checked before it is served, so that a map is whole or not there.

Each feature names its unit by the property `slug` (or its own `id`): the last part of a unit's id, as `kadikoy` in
`tr/34/kadikoy`. A member `attribution` of the collection is shown on the map; without one OpenStreetMap is named.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2s
from math import isfinite
from typing import Any, Final

import orjson

from schemas.errors import UsageError

MAX_BOUNDARIES_BYTES: Final = 4 * 1024 * 1024
"""Simplified districts of all Türkiye are some 2 MB; a graphics machine should not be sent more at the start."""

_LEAST_POINTS: Final = 4
"""A closed ring has four positions at least (RFC 7946, section 3.1.6)."""

_DIGEST_BYTES: Final = 8
_LONGITUDES: Final = 180.0
_LATITUDES: Final = 90.0


@dataclass(frozen=True, slots=True)
class Boundaries:
    """Boundaries ready to be served: GeoJSON bytes and their ETag."""

    body: bytes
    etag: str


def read_boundaries(body: bytes, name: str = "the boundaries") -> Boundaries:
    """Check a GeoJSON file's bytes. Raises `UsageError` that says which feature is wrong and what it should be."""
    if len(body) > MAX_BOUNDARIES_BYTES:
        raise UsageError(
            f"{name} has {len(body):,} bytes; at most {MAX_BOUNDARIES_BYTES:,} can be used. Simplify the outlines."
        )
    try:
        collection = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{name} is not JSON ({error}). Give a GeoJSON file.") from error
    if not isinstance(collection, dict) or collection.get("type") != "FeatureCollection":
        raise UsageError(f"{name} is no GeoJSON FeatureCollection. Export the districts as one.")
    features = collection.get("features")
    if not isinstance(features, list) or not features:
        raise UsageError(f"{name} has no features. Give one for each district.")
    slugs: set[str] = set()
    for number, feature in enumerate(features, 1):
        slug = _checked(feature, f"Feature {number} of {name}")
        if slug in slugs:
            raise UsageError(f"{name} has two features of {slug!r}. Merge them into one MultiPolygon.")
        slugs.add(slug)
    digest = blake2s(body, digest_size=_DIGEST_BYTES).hexdigest()
    return Boundaries(orjson.dumps(collection), f'"{digest}"')


def _checked(feature: Any, name: str) -> str:  # noqa: ANN401  what JSON holds
    if not isinstance(feature, dict) or feature.get("type") != "Feature":
        raise UsageError(f"{name} is no GeoJSON Feature.")
    properties = feature.get("properties")
    slug = (properties if isinstance(properties, dict) else {}).get("slug", feature.get("id"))
    if not isinstance(slug, str) or not slug:
        raise UsageError(
            f"{name} has no slug. Give it a property 'slug': the last part of its unit's id, as 'kadikoy'."
        )
    given = feature.get("geometry")
    geometry = given if isinstance(given, dict) else {}
    kind = geometry.get("type")
    if kind not in ("Polygon", "MultiPolygon"):
        raise UsageError(f"{name} ({slug}) is a {kind}. Outlines are Polygon or MultiPolygon.")
    coordinates = geometry.get("coordinates")
    for polygon in _listed([coordinates] if kind == "Polygon" else coordinates, f"{name} ({slug})"):
        for ring in _listed(polygon, f"{name} ({slug})"):
            _check_ring(ring, f"{name} ({slug})")
    return slug


def _listed(value: Any, name: str) -> Iterable[Any]:  # noqa: ANN401  what JSON holds
    if not isinstance(value, list) or not value:
        raise UsageError(f"{name} has coordinates that are no list of rings.")
    return value


def _check_ring(ring: Any, name: str) -> None:  # noqa: ANN401  what JSON holds
    if not isinstance(ring, list) or len(ring) < _LEAST_POINTS:
        raise UsageError(f"{name} has a ring of fewer than {_LEAST_POINTS} positions.")
    for position in ring:
        if not _is_on_earth(position):
            raise UsageError(
                f"{name} has a position {position!r} that is no longitude and latitude in degrees (WGS 84). "
                f"Reproject the file to EPSG:4326."
            )
    if ring[0] != ring[-1]:
        raise UsageError(f"{name} has a ring that is not closed: its last position must be its first.")


def _is_on_earth(position: Any) -> bool:  # noqa: ANN401  what JSON holds
    if not isinstance(position, list) or len(position) < 2:  # noqa: PLR2004  longitude and latitude
        return False
    longitude, latitude = position[:2]
    return all(type(one) in {int, float} and isfinite(one) for one in (longitude, latitude)) and (
        abs(longitude) <= _LONGITUDES and abs(latitude) <= _LATITUDES
    )
