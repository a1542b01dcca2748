"""The replay: an archive's night again, on a clock that an operator can stop, hurry and set.

`replay` is the loop. The `playhead` knows what of an `archived` night is due, the `director` hears the orders, the
`position_publisher` says where it is.
"""
