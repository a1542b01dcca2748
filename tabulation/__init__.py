"""The law, pure: what follows from the events, whoever asks. It imports the contract alone: no clock, no log, no loop.

From the log up:

- `counting/`: tallies in, totals out. Which statement about a box stands, what a cell adds up to, what is quarantined,
  and what of that is kept for the next start.
- `on_air`: what the public sees of each cell and what the control room sees. `replay_clock`: where a replay is.
- `orders/`: what operators have ordered, who is kept from what, and what an order has to be confirmed for.
- `figures`: a unit's counts, each with the seq of its last change, and what may be claimed of it beyond them. `view`:
  those of every unit, with their roll-ups. `program`: two views, of all there is and of what is on air.
- `seats`: how votes are divided into seats, whoever they are of.
- `derived/`: what follows from the figures: leads, events, alarms, feeds, gaps, rows; the totals at a past moment.
"""
