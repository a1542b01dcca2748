"""What is on air: the public's figures beside all there are.

- `cells` is the fold of totals, holds and figures set by hand; `held_units` names what is held.
- `relays` is what every order came to when it was relayed into the totals topic, for the past.
- A replay: `replay_progress` (how far the totals have got), `replay_clock` (what clients are shown of it).
"""
