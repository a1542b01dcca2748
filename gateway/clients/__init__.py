"""Clients as the gateway sees them: cursors with subscriptions, owed what has changed since. Pure: no socket, no task.

- What a client asks for: `session` (the protocol `sandik.v1`: messages in, decisions out; and the names in a
  definition that can be subscribed to).
- What it is owed: `hub` (cursors, and groups that share their bytes), wrapped for the wire by `framing`, which also
  reads the few frames that most clients send.
- Who is told what, and when: `audience` (who may see numbers, heartbeats, stalled clients, and the drain of a gateway
  that ends).
"""
