"""Routes: the HTTP endpoints. `application` lists them all and serves the pages; every request passes the `middleware`.

- What the routes share: `answers` (filters in a URL, ETags, what an answer holds, long ones a few units at a time).
- The figures: `totals` (now, as they were at a moment that has been, and flat for graphics tools), `facts` (also seats,
  and the lead over time), `compare` (two sources), `stream` (server-sent events).
- The control room: `control` (what an operator watches, the orders they give, who is there, the quarantine by groups
  and pages).
- Pages: `pages` (the board's at `/`, one for all overlays: whether its address can be shown, and the files that
  browsers keep), `link_preview` (what a link to the board says), `boundaries` (what a map may draw).
"""
