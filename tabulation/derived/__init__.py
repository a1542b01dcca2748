"""What follows from the folds, worked out and never stored. Integers in, integers out.

- Of one unit: `facts` (arithmetic that nobody can argue with, majorities and seats among it), `events` (what is worth a
  strap), `alarms` (what is worth waking an operator for, and what an order that may be given would show).
- Since an earlier contest: `swing` (and who held what, and what changes hands).
- Of the past: `history` (the totals as they stood at a moment, and how the first candidates stood in the course of the
  night, also of one that has been).
- Of the sources: `feeds` (how each is doing), `explain` (why two differ, and how the gap splits).
- For tools that bind a field to a key: `columns` (flat rows, with numbers as a reader's language has them) and
  `row_forms` (JSON, CSV, one object; a table of which only changed pieces are encoded again).
"""
