"""Orders of operators: what stands, who is kept from what, what has to be confirmed.

- `control` is the fold of the control topic, with the rundown of graphics; it quarantines what cannot be read.
- `effects` are what orders come to: what the public is kept from (the embargo among it), also by orders that cannot be
  verified, and what of them is in the totals topic or still owed to it.
- `confirmations`, before an order is written: what it does, whether it shows the public more, and what it has to be
  confirmed for.
"""
