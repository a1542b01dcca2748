"""Tables of counts as tally events. A table is read and checked whole, and each line that cannot be used is named.

- `boxes`: official box tables that the election definition is made of. `reports`: tables of districts or boxes whose
  units are found in the run's definition: `report_cells` look up what each cell means. `statements` put together what
  several lines say, and tell what of it the run has already.
- Both read a `sheet` through a `mapping` made of `mapping_sections`, by its `notation` of numbers, times and names.
  `lines` get new columns, are left out, and are checked: which of them are faulty, and which totals are wrong.
- A sheet is a header and lines, whatever it is read from: `layout` is which files of a folder or archive have it, in
  which encoding, and how its lines lie in them, `formats` are CSV, JSON, XML, workbooks and Parquet.
- `guess`: a first mapping for a table that nobody has described yet, by a look at it.
- `defining`: a first definition of the election that a table is of, by the `outline` of what its lines name.
- `fitting`: whether mapping and table fit the run.
"""
