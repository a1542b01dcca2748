"""`python -m sandik` is `sandik`."""

from sandik.cli import main

main()
