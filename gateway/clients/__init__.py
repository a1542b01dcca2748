"""Clients as the gateway sees them: cursors with subscriptions, owed what has changed since. Pure: no socket, no task.

- What a client says: `session` (`sandik.v1`, messages in, decisions out) by the `catalogue` of what can be asked for.
- What it is owed: `hub` (cursors, groups that share their bytes), in the `framing` it takes, as `frames` built once.
- Who is told what, and when: `audience` (who may see numbers), `liveness` (heartbeats, and who takes
  nothing), `drain` (goodbye, in batches).
"""
