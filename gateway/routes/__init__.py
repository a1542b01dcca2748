"""Routes: the HTTP endpoints. `application` lists them all; every request passes the `middleware` first.

- What the routes share: `answers` (filters in a URL, ETags, what an answer holds).
- The figures: `totals` (now, and as they were at one of the `moments` that have been), `rows` (flat, for graphics
  tools), `facts`, `seats`, `compare` (two sources), `stream` (server-sent events).
- The control room: `control` (what an operator watches, and the orders they give).
- What browsers load: `pages` (files, overlays' addresses), whose map may draw `boundaries`.
"""
