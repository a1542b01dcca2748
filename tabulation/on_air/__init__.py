"""What is on air: the public's figures beside all there are.

- `cells` is the fold of totals, holds and figures set by hand, and names what is held.
- `relays` is what every order came to when it was relayed into the totals topic, for the past.
- `replay_clock` is how far the totals of a replay have got, and what clients are shown of it.
"""
