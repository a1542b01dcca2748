"""The replay: an archive's night again, on a clock that an operator can stop, hurry and set.

`replay` is the loop. `archived` reads the night's records, `playhead` knows which of them are due, and `control_topic`
receives the operators' orders and publishes the position.
"""
