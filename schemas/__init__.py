"""The contract: every shape that crosses a process boundary, as pydantic models.

`definition` says what an election is, `tally` what a feed reports, `totals` what the aggregator publishes, `control`
what the run itself is, `quarantine` what could not be used and why, `wire` what a WebSocket client sends and gets.
All of it is versioned (`v`) and additive-only: a reader ignores fields it does not know.
"""
