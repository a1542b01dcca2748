"""Tables of counts as tally events. A table is read and checked whole, and each line that cannot be used is named.

- `boxes`: official box tables. `reports`: the district totals that an agency sends.
- Both read a `sheet` through a `mapping`, by its `notation` of numbers and times. They look `names` up in the election
  definition by their `spellings`, and note in `line_checks` which lines are faulty and which totals are wrong.
- A sheet is a header and `lines`, whatever it is read from: the `parts` that a folder or archive has, texts in their
  `encodings`, of them `csv_lines` and `objects` (JSON, XML), and what is `columnar` (workbooks, Parquet).
- `fitting`: whether mapping and table fit the run. `already_published`: what of a table the run has already.
"""
