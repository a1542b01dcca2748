"""The contract: every shape that crosses a process boundary, as pydantic models.

All of it is versioned and additive-only: a reader ignores fields it does not know.

- The log: `definition` says what an election is (`seats`: how votes become seats), `tally` what a feed reports,
  `totals` what the aggregator publishes; beside those, in the same topic, `gate` (a hold), `override` (figures set by
  hand), `notice` (a source whose times or revisions are odd), `playback` (a replay's clock) and `late` (what waited to
  be published). `comparison` is what two sources say of the same boxes, `control` what the run is and what operators
  order (`trust`: whose orders count), `quarantine` what could not be used and why, `set_aside` what that says all the
  same, `mending` what becomes of it.
- The clients: `wire` is what they send and get, `asyncapi` describes it for other tools, `explanation` is why two
  sources differ.
- What the models share: `figures` (the counts of a total, declared once), `fields`, `versions`, `errors`,
  `model_faults` (the first that is wrong), `moments` (as people write them, and as a log counts them), `zones` (local
  times), `turkish` (letters), `statehash`.
- What a fold asks of a log and no more: `record`, `run_facts`.
"""
