"""The replay: an archive's night again, on a clock that an operator can stop, hurry and set.

`replay` is the loop, and publishes the position. `inputs` reads the night's records and receives operators' orders;
`playhead` knows which records are due.
"""
