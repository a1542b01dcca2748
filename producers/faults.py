"""What is wrong with a file, as its author is told."""

from pydantic import ValidationError


def listed(error: ValidationError) -> str:
    """Every fault on a line of its own, with where it is."""
    return "\n".join(
        f"  {'.'.join(map(str, fault['loc']))}: {fault['msg']}"
        for fault in error.errors(include_url=False, include_context=False, include_input=False)
    )
