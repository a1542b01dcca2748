"""The law, pure: what follows from the events, whoever asks. Events in, figures out; imports the contract alone.

- `claims`: what may be said of a unit beyond its counts, from its districts up
- `impossible_boxes`: what one box's own figures leave in doubt, which the sums would swallow
- `on_air`: what the public sees of each cell, and what the control room sees
- `relays`: what every order came to when it was relayed into totals, for the past
- `event_time`: what an event time counts as, which is never later than the log was given it
- `held_units`: names for what is held
- `embargo`: from when on the public may see numbers
- `restrictions`: what the public is kept from, also by orders that cannot be verified
- `by_hand`: what setting figures by hand does to a cell, and what cannot be true afterwards
- `lifts`: whether an order shows the public more than before
- `confirmations`: what an order has to be confirmed for
"""
