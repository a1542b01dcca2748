"""Whether clients should be sent to this gateway, and if not, every reason why. Moments are monotonic seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

Code = Literal["starting", "ending", "unverified", "log_refused", "log_silent"]


class Reason(NamedTuple):
    """One reason against sending clients here: a code with its parameters, by which a page says it in its own language.

    `sentence` says the same in English.
    """

    code: Code
    sentence: str
    values: Mapping[str, int | str] = {}


@dataclass(slots=True)
class LogContact:
    """What is known of the log's answers. A read that brings nothing is none: the connection may be gone."""

    answered_at: float
    """When the log last answered; before it ever did, when it was first asked."""
    reachable: bool = True
    refused: str | None = None
    """Why the log does not let us, where that is so."""
    end: int = 0
    """How far the totals topic went when the log last said so."""

    def answered(self, now: float, end: int = 0) -> None:
        """The log has answered at this moment; the totals topic went up to `end`, where that was asked."""
        self.answered_at = now
        self.reachable = True
        self.refused = None
        self.end = max(self.end, end)

    def refuses(self, reason: str) -> bool:
        """The log refuses us; whether that is news."""
        is_news, self.refused, self.reachable = self.refused != reason, reason, False
        return is_news

    def age_s(self, now: float) -> float:
        """How long ago the log last answered."""
        return max(0.0, now - self.answered_at)


def unready(
    *,
    waits_for: str | None,
    is_ending: bool = False,
    unverified: str | None = None,
    orders: Sequence[str] = (),
    refused: str | None = None,
    log_age_s: float,
    log_limit_s: float,
) -> tuple[Reason, ...]:
    """The reasons against sending clients here; none where it is ready.

    `waits_for` says what the gateway itself still waits for, or, if `is_ending`, that it is about to end; `None` where
    all is well.
    `unverified` says, and `orders` names, the operators' restrictions that it keeps though it cannot verify them: it
    serves its clients, so that they can be lifted, but is not what its operators meant it to be. `refused` says why
    the log lets us read nothing.
    """
    reasons = []
    if waits_for is not None:
        reasons.append(Reason("ending" if is_ending else "starting", waits_for))
    if unverified is not None:
        reasons.append(Reason("unverified", unverified, {"orders": ", ".join(orders)}))
    if refused is not None:
        reasons.append(Reason("log_refused", refused))
    if log_age_s > log_limit_s:
        sentence = (
            f"The log last answered {log_age_s:.0f} s ago, and {log_limit_s:.0f} s is the limit: what is shown here may"
            " be old. Look at the log and at the network to it."
        )
        reasons.append(Reason("log_silent", sentence, {"age_s": round(log_age_s), "limit_s": round(log_limit_s)}))
    return tuple(reasons)
