"""Orders of operators: what stands, who is kept from what, what has to be confirmed.

- `control` is the fold of the control topic; `restrictions` and `embargo` are what the public is kept from, also by
  orders that cannot be verified; `broken_orders` sets aside what nobody can read.
- `relayed_orders` is what orders come to in the totals topic, and what is still owed to it.
- Before an order is given: `lifts` (whether it shows the public more), `by_hand` (what setting figures does, and what
  cannot be true afterwards), `confirmations` (what it has to be confirmed for).
"""
