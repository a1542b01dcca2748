"""What an agency's file said when it was read before: only what is new in it is published."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from schemas.tally import Reported


@dataclass(slots=True)
class Sent:
    """The newest report that was published of each contest and district."""

    _newest: dict[tuple[str, str], Reported] = field(default_factory=dict)

    def fresh(self, reports: Iterable[Reported]) -> tuple[list[Reported], list[str]]:
        """Those to publish now, and what is wrong with others: the same revision with other figures than before."""
        publish: list[Reported] = []
        faults: list[str] = []
        for report in sorted(reports, key=lambda each: each.revision):
            known = self._newest.get((report.contest, report.district))
            if known is not None and report.revision < known.revision:
                continue
            if known is not None and report.revision == known.revision:
                if replace(known, type=report.type, at=report.at) != report:
                    faults.append(
                        f"{report.district} ({report.contest}): revision {report.revision} was published before with "
                        "other figures, which stand. Give what is new a later update time or a higher revision."
                    )
                    continue
                if report.type in {known.type, "reported"}:
                    continue
            self._newest[report.contest, report.district] = report
            publish.append(report)
        return publish, faults
