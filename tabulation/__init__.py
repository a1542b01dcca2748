"""The law, pure: what follows from the events, whoever asks. It imports the contract alone: no clock, no log, no loop.

From the log up:

- `counting/`: tallies in, totals out. Which word on a box stands, what a cell adds up to, what is set aside, and what
  of that is kept for the next start.
- `on_air/`: what the public sees of each cell and what the control room sees; where a replay is.
- `orders/`: what operators have ordered, who is kept from what, and what an order has to be confirmed for.
- `view/`: the figures of every unit with their roll-ups, what may be claimed of them, and what stands beside them.
- `seats/`: how votes are divided into seats, whoever they are of.
- `derived/`: what is said of the figures: leads, events, alarms, feeds, gaps, rows; the totals at a moment of the past.
"""
