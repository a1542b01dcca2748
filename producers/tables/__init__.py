"""Tables of counts as tally events: read whole, checked whole, and what cannot be used is named with its line.

- Official box tables: `boxes`, from `box_rows`, through a `mapping`; `box_history` is what the run has of them already.
- An agency's district totals: `reports`, from `report_lines`, through a `report_mapping` that is `fitting` to the
  election; `sent` is what an earlier file said already.
- Both read a `sheet`, whatever its format (JSON is laid flat by `records`, Parquet by
  `parquet_rows`), by the table's `notation` of numbers and
  times, look `names` up in the election, check `total_rows`, and list their `line_faults`.
"""
