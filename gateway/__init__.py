"""The gateway: folds totals into a view, and fans out what changed to every client.

Start at `server`: it serves one port, and runs the loops of `follow`, which feed the `gateway`, and that of `recall`,
which gives it the lead over time of before its start. That ties together one
`run_state` (the folds of one run in one incarnation of its log) and the `broadcaster` (its clients, and what each is
sent) by its `settings`, and tells its `health`.

What the figures are and what follows from them is in tabulation. The rest is in layers. Each knows those below it,
and none above:

- `routes/`: the HTTP endpoints.
- `connections/`: WebSocket, server-sent events, HTTP; the only ones with a socket.
- here: `gateway`, whose `broadcaster` connections talk to, and whose run the routes read.
- `clients/`: cursors, subscriptions, who is owed which bytes.
- `admission/`: who is let in, and may do what.

`pages/` is what browsers load: the board, the overlays, the control room, and the client in JavaScript; a `brand` is
how all of it looks.
"""
