"""`sandik topics`: whether a run's topics are what they must be, what to create beforehand, who needs which ACLs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, Final, get_args

import typer
from rich.console import Console
from rich.table import Table

from eventlog.clock import Wall
from eventlog.kafka.administration import PROPERTIES, AclCommand, KafkaCommands, Role, acl_commands
from eventlog.port import TopicFinding
from eventlog.run import RunTopics, find_run, spread
from sandik.console import Format, FormatOption, for_people, print_sentences, write_json
from sandik.options import EMBEDDED_LOG, LogUrl, Partitions, RunName, command_app, name_and_value
from sandik.process import run_to_completion
from sandik.wiring import absent_file, kafka_commands, open_log
from schemas.errors import UnknownRun, UsageError

EXAMPLE = "Example: sandik topics --run 2024-yerel --log kafka://localhost:9092 --acls --user producer=feeds"

app = command_app()

_NOT_RIGHT: Final = 1
_ROLES: Final[tuple[Role, ...]] = get_args(Role)


@dataclass(frozen=True, slots=True)
class _Checked:
    """What was found of a run: `mode` is `None` where nobody has created it yet."""

    topics: RunTopics
    mode: str | None
    findings: Sequence[TopicFinding]

    @property
    def is_right(self) -> bool:
        return all(one.standing == "ok" for one in self.findings)

    def mending(self, *standings: str) -> list[str]:
        """The commands that put right what stands so."""
        return list(dict.fromkeys(one.mend for one in self.findings if one.standing in standings and one.mend))


@app.command(epilog=EXAMPLE)
def topics(
    run: RunName,
    log: LogUrl = EMBEDDED_LOG,
    partitions: Partitions = None,
    acls: Annotated[bool, typer.Option("--acls", help="Print the least ACLs of each role as well.")] = False,
    user: Annotated[
        list[str] | None,
        typer.Option("--user", metavar="ROLE=USER", help="Kafka's user of a role, for --acls; may be repeated."),
    ] = None,
    form: FormatOption = Format.TABLE,
) -> None:
    """Compare a run's topics with what they must be, and print what puts them right. Exit code 1 where one is not.

    Topics that are missing are created by the first producer, if it may; or beforehand, with the commands printed. A
    live run refuses topics that are wrong; what is fragile holds until a broker fails. Roles are producer, aggregator,
    gateway, archiver and operator; without --user the user of a role is called sandik-ROLE.
    """
    users = _users(user or ())
    commands = kafka_commands(log)
    if acls and commands is None:
        raise UsageError("The embedded log knows no users, so there are no ACLs. Give --log kafka://HOST:PORT.")
    file = absent_file(log)
    if file is not None:
        raise UsageError(f"There is no log in {file} yet: the first producer creates it, and the run's topics in it.")
    checked = run_to_completion(_checked(log, run, partitions))
    allowed = dict(_allowed(users, checked.topics, commands)) if acls and commands is not None else {}
    if form is Format.JSON:
        _write_json(run, checked, allowed)
    else:
        _print(for_people(), checked, allowed, commands)
    if not checked.is_right:
        raise typer.Exit(_NOT_RIGHT)


async def _checked(url: str, name: str, partitions: int | None) -> _Checked:
    async with open_log(url, Wall()) as log:
        try:
            found = await find_run(log, name)
        except UnknownRun:
            there = RunTopics(name, await spread(log, name, partitions))
            mode = None
        else:
            there = RunTopics(name, partitions or found.topics.partitions, found.topics.take)
            mode = found.mode
        return _Checked(there, mode, await log.check(there.all()))


def _users(given: Sequence[str]) -> dict[Role, str]:
    """The user of each role. Raises `UsageError`."""
    users: dict[Role, str] = {role: f"sandik-{role}" for role in _ROLES}
    for one in given:
        refusal = f"--user {one!r} names no user of a role. Give ROLE=USER; roles: {', '.join(_ROLES)}."
        role, name = name_and_value(one, refusal)
        known = next((known for known in _ROLES if known == role), None)
        if known is None or not name or not name.replace("-", "").replace("_", "").replace(".", "").isalnum():
            raise UsageError(refusal)
        users[known] = name
    return users


def _allowed(
    users: Mapping[Role, str], there: RunTopics, commands: KafkaCommands
) -> Iterator[tuple[Role, list[AclCommand]]]:
    for role, user in users.items():
        yield role, list(acl_commands(role, user, there, commands))


def _write_json(name: str, checked: _Checked, allowed: Mapping[Role, Sequence[AclCommand]]) -> None:
    found: dict[str, object] = {
        "run": name,
        "mode": checked.mode,
        "verdict": "right" if checked.is_right else "not right",
        "findings": [asdict(one) for one in checked.findings],
    }
    if allowed:
        found["acls"] = {role: [asdict(one) for one in commands] for role, commands in allowed.items()}
    write_json(found)


def _print(
    console: Console, checked: _Checked, allowed: Mapping[Role, Sequence[AclCommand]], commands: KafkaCommands | None
) -> None:
    table = Table("topic", "setting", "is", "must be", "")
    for one in checked.findings:
        table.add_row(one.topic, one.setting, one.found or "-", one.wanted, one.standing)
    console.print(table)
    print_sentences(console, _sentences(checked, allowed, commands))


def _sentences(
    checked: _Checked, allowed: Mapping[Role, Sequence[AclCommand]], commands: KafkaCommands | None
) -> Iterator[str]:
    missing = any(one.standing == "missing" for one in checked.findings)
    if commands is None:
        yield "This is the embedded log: there is nothing else to prepare, it keeps and dates its records as it must."
        if missing:
            yield "The first producer creates what is missing."
    elif missing:
        yield "The first producer creates what is missing, if it may. To create it beforehand:"
        yield from checked.mending("missing")
    mending = checked.mending("wrong", "fragile")
    if mending:
        yield "To put right what is wrong or fragile:"
        yield from mending
    for role, lines in allowed.items():
        yield f"The least that the {role} needs, once the topics are there:"
        for one in lines:
            yield one.command + (f"  # {one.remark}" if one.remark else "")
    if commands is not None and commands.secured and (mending or missing or allowed):
        yield f"{PROPERTIES} says how an administrator connects."
    if checked.is_right:
        yield "All topics are what they must be."
