"""The terms of NIST SP 1500-100 version 2 that a report of ours uses, as a JSON Schema written from its text.

Each class: what it must say, and what else it may, with the kind of each. A class says nothing else.
"""

from typing import Any

STRING = {"type": "string"}
WHOLE = {"type": "integer", "minimum": 0}
DATE = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\d$"}
MOMENT = {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$"}
COLOR = {"type": "string", "pattern": "^[0-9a-f]{6}$"}


def one_of(*words: str) -> dict[str, Any]:
    return {"enum": list(words)}


def a(kind: str) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{kind}"}


def many(*kinds: str) -> dict[str, Any]:
    return {"type": "array", "items": {"oneOf": [a(kind) for kind in kinds]}}


COUNT_TYPE = one_of("absentee", "early", "election-day", "other", "provisional", "seats", "total", "write-in")
NAMES = {"type": "array", "items": STRING}

CLASSES: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ElectionReport": (
        {
            "Format": one_of("precinct-level", "summary-contest"),
            "GeneratedDate": MOMENT,
            "Issuer": STRING,
            "IssuerAbbreviation": STRING,
            "SequenceStart": WHOLE,
            "SequenceEnd": WHOLE,
            "Status": one_of(
                "certified", "correction", "pre-election", "recount", "unofficial-complete", "unofficial-partial"
            ),
            "VendorApplicationId": STRING,
        },
        {
            "Election": many("Election"),
            "GpUnit": many("ReportingUnit"),
            "Party": many("Party"),
            "IsTest": {"type": "boolean"},
            "TestType": STRING,
            "Notes": STRING,
        },
    ),
    "ReportingUnit": (
        {"@id": STRING, "Type": one_of("city", "country", "county", "municipality", "other", "precinct", "state")},
        {
            "OtherType": STRING,
            "Name": a("InternationalizedText"),
            "ExternalIdentifier": many("ExternalIdentifier"),
            "ComposingGpUnitIds": NAMES,
            "CountStatus": many("CountStatus"),
            "SubUnitsReported": WHOLE,
            "TotalSubUnits": WHOLE,
            "VotersRegistered": WHOLE,
        },
    ),
    "CountStatus": (
        {"Status": one_of("completed", "in-process", "not-processed", "unknown"), "Type": COUNT_TYPE},
        {"OtherType": STRING},
    ),
    "Party": (
        {"@id": STRING, "Name": a("InternationalizedText")},
        {
            "Abbreviation": a("InternationalizedText"),
            "Color": COLOR,
            "ExternalIdentifier": many("ExternalIdentifier"),
        },
    ),
    "Election": (
        {
            "Name": a("InternationalizedText"),
            "Type": one_of("general", "other", "primary", "runoff", "special"),
            "StartDate": DATE,
            "EndDate": DATE,
            "ElectionScopeId": STRING,
        },
        {
            "BallotCounts": many("BallotCounts"),
            "Candidate": many("Candidate"),
            "Contest": many("CandidateContest"),
            "ExternalIdentifier": many("ExternalIdentifier"),
        },
    ),
    "BallotCounts": (
        {"GpUnitId": STRING, "Type": COUNT_TYPE},
        {"BallotsCast": WHOLE, "BallotsOutstanding": WHOLE, "BallotsRejected": WHOLE},
    ),
    "Candidate": (
        {"@id": STRING, "BallotName": a("InternationalizedText")},
        {"PartyId": STRING, "ExternalIdentifier": many("ExternalIdentifier")},
    ),
    "CandidateContest": (
        {"@id": STRING, "ElectionDistrictId": STRING, "Name": STRING, "VotesAllowed": WHOLE},
        {
            "ContestSelection": many("CandidateSelection"),
            "CountStatus": many("CountStatus"),
            "SubUnitsReported": WHOLE,
            "TotalSubUnits": WHOLE,
        },
    ),
    "CandidateSelection": (
        {"@id": STRING},
        {"CandidateIds": NAMES, "SequenceOrder": WHOLE, "VoteCounts": many("VoteCounts")},
    ),
    "VoteCounts": ({"Count": WHOLE, "GpUnitId": STRING, "Type": COUNT_TYPE}, {"OtherType": STRING}),
    "InternationalizedText": ({"Text": many("LanguageString")}, {"Label": STRING}),
    "LanguageString": ({"Content": STRING, "Language": STRING}, {}),
    "ExternalIdentifier": (
        {"Type": one_of("fips", "local-level", "national-level", "ocd-id", "other", "state-level"), "Value": STRING},
        {"OtherType": STRING},
    ),
}

SCHEMA: dict[str, Any] = {
    "$schema": "http://json-schema.org/draft-04/schema#",
    "$ref": "#/definitions/ElectionReport",
    "definitions": {
        kind: {
            "type": "object",
            "required": ["@type", *must],
            "properties": {"@type": one_of(f"ElectionResults.{kind}"), **must, **may},
            "additionalProperties": False,
        }
        for kind, (must, may) in CLASSES.items()
    },
}
