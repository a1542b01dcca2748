"""Staged nights, as TOML files."""
