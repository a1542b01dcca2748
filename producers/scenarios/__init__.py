"""Staged nights, as TOML files that stand here beside what reads them. Start at `scenario`: all that a file can say.

- `library` finds a file by its name, and reads it.
- What makes it short: `inherit` (a file says only what differs from its base), `spread` (a country from a few figures).
- What makes it another night: `outcome` (another result), `acts` (what happens beyond the night's course).
"""
