"""What can be set about a gateway, with the reason for each default."""

from dataclasses import dataclass, field
from pathlib import Path

from eventlog.loops import RetryPolicy
from gateway.admission.handshake import KIB, AccessSettings, Limits
from gateway.admission.keys import TlsFiles
from gateway.brand import BrandFolder, standard_brand
from schemas.trust import OperatorKey
from tabulation.derived.feeds import FeedLimits


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """Everything about a gateway that can be set. Times are of the gateway's clock."""

    tick_ms: float = 50
    """At most one delta per client in this time: 20 a second is more than a viewer sees."""

    heartbeat_s: float = 10
    """`state` and a ping at least this often: NATs and proxies forget a silent connection after 30 s or more."""

    missed_pings: int = 3
    """Heartbeats in a row without a sign of life before a connection is closed: 30 s rides out a change of Wi-Fi."""

    watch_s: float = 1
    """How often the feeds' age and the connections' liveness are looked at: a second's delay is nobody's harm."""

    open_timeout_s: float = 10
    """From the connection to the end of the first request's headers: three lost packets on a bad line."""

    answer_timeout_s: float = 60
    """From a request's headers until its answer is out of our hands: 4 MB of definition at 0.5 Mbit/s."""

    keep_alive_s: int = 5
    """How long a connection may be idle between two requests; whoever polls more rarely connects anew."""

    retry: RetryPolicy = field(default_factory=lambda: RetryPolicy(refused_s=8))
    """Pauses between tries while the run or the log is not there. Where it refuses us, a person has to mend that; from
    then on the gateway must move within 15 s, of which connecting and reading take up to 5."""

    read_records: int = 500
    """Records folded without a pause for clients: 500 of them, with 49 candidates each, take 25 ms."""

    read_wait_ms: int = 1_000
    """How long one read waits for something new; it only bounds the wait, since what is new ends it."""

    log_silent_s: float = 60
    """After so long without an answer of the log a gateway is not ready: six looks at its end."""

    log_stuck_s: float = 30
    """Reading begins anew where nothing comes for so long although the log has more: three looks at its end."""

    write_high_bytes: int = 64 * KIB
    """Unsent bytes at which a connection is not draining: a snapshot of all İstanbul's districts (38 KB) and more.

    What is unsent can be this and one turn's bytes on top, since nothing follows until all is taken: no more than one
    snapshot of each subscription. It is read from no more either, so that no answers pile up.
    """

    stalled_s: float = 30
    """Without taking a single byte for so long, a client is closed: as long as an unanswered ping is waited for."""

    write_low_bytes: int = 0
    """Unsent bytes at which it drains again: none, so that what comes next is the newest there is."""

    kernel_send_bytes: int = 256 * KIB
    """What the kernel may hold per connection on top: 20 Mbit/s at a round trip of 100 ms."""

    share_port: bool = False
    """Whether other processes listen at the same port (SO_REUSEPORT); the kernel deals connections out among them."""

    worker: int = 1
    workers: int = 1
    """Which of the processes behind one port this is, counted from 1, and how many there are."""

    worker_folder: Path | None = None
    """Where they find each other, to be scraped together; without it each tells only its own metrics."""

    drain_s: int = 5
    """Over how long a shutdown lets its clients go, if they are many, and how long it then waits for the last to leave.

    Together below the ten seconds after which container runtimes end a process that was asked to stop.
    """

    feeds: FeedLimits = field(default_factory=FeedLimits)
    access: AccessSettings = field(default_factory=AccessSettings)
    operators: tuple[OperatorKey, ...] = ()
    """Whose orders in the control topic count. Without any, everybody's do unless the run is live."""

    limits: Limits = field(default_factory=Limits)
    brand: BrandFolder = field(default_factory=standard_brand)
    """How its pages look."""

    tls: TlsFiles | None = None
