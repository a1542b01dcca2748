from tools.cli_reference import PAGE, reference


def test_the_reference_in_the_documentation_is_what_the_commands_say() -> None:
    """It is also how a change of the command line is seen: run `make docs` and look at the difference."""
    assert reference() == PAGE.read_text(encoding="utf-8")
