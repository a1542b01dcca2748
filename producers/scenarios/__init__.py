"""Staged nights, as TOML files that stand here beside what reads them. Start at `scenario`: all that a file can say.

- `library`: find a file by its name, and read it, with what makes a file short: a base to differ from, a country from a
  few figures.
"""
