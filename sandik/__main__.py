"""`sandik` and `python -m sandik`. Ctrl-C while it is still importing ends it as quietly as later on."""

import sys


def main() -> None:
    """Run the command line."""
    try:
        from sandik import screen  # noqa: PLC0415  this is where an interrupt may come

        screen.repair()
        from sandik.cli import main as command_line  # noqa: PLC0415  as above
    except KeyboardInterrupt:
        sys.exit(130)
    command_line()


if __name__ == "__main__":
    main()
