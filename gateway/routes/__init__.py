"""Routes: the HTTP endpoints. `application` lists them all; every request passes the `middleware` first.

- What the routes share: `answers` (filters in a URL, ETags, what an answer holds), `page_files` (with a policy).
- The figures: `totals`, as they were in the `past` (rationed by `history`), `rows` (flat, for graphics tools), `facts`,
  `compare` (two sources), `stream` (server-sent events).
- The control room: `control` (what an operator watches), `orders` (what they say).
- For graphics: `overlays` (the pages' addresses), whose map may draw `boundaries`.
"""
