"""The gateway: folds totals into a view and pushes what changed to every client.

Where to begin: `gateway` is the object that ties it together, `follow` the loops that move it, `server` what serves it.

- Folds of the log, all pure: `view` (totals, with their roll-ups) over `figures`, `program` (what is on air beside what
  there is), `control` (orders) with `embargo` and `held_units`, `comparisons`, `quarantine`, `alarms`, `playback` (a
  replay's clock). `world` holds those of one run in one incarnation of its log.
- What follows from figures, pure: `facts`, `events`, `gap` and `explain` (why two sources differ), `columns` and
  `format` (flat rows and texts), `feeds` (how the sources are doing), `catalogue` (what can be asked for).
- Clients, pure: `hub` (cursors, groups, who is owed what), `session` (`sandik.v1`), `audience` (who may see numbers),
  `frames` and `framing` (encoded once for many), `beats`, `stalls` and `farewell` (when to say a word, when goodbye).
- Who comes in: `handshake` decides by `access` (tokens) and `limits`; `keys` and `tls` read the files.
- Connections: `connection` (WebSocket), `event_stream` (server-sent events), `http_connection` (HTTP), `sockets`.
- Doors, one address or few each: `http` has the routes, `doors` asks what every request brings, `answers` is what they
  share; `totals_door`, `past_door`, `facts_door`, `compare_door`, `rows_door`, `stream_door`, `control_door`,
  `orders_door`, and `overlays`, whose map may draw `boundaries`.
- Running it: `settings`, `follow` and `follow_beside`, `history` (the past, asked of another process), `server`,
  `metrics`.
- `pages/`: what browsers load: the board, the overlays, the control room, and the client in JavaScript.
"""
