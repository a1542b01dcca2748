"""Orders of operators: what stands, who is kept from what, what has to be confirmed.

- `control` is the fold of the control topic, with the rundown of graphics; it quarantines what cannot be read.
  `restrictions` is what the public is kept from (the embargo among it), also by orders that cannot be verified.
- `relayed_orders` is what orders come to in the totals topic, and what is still owed to it.
- `confirmations`, before an order is written: what it does, whether it shows the public more, and what it has to be
  confirmed for.
"""
