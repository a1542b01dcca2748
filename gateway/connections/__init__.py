"""Connections: bytes from a socket in, bytes from the gateway out. The thin shell around what is pure.

- `http` has a connection until its first bytes come: a plain request to upgrade goes straight to the stream, all else
  to uvicorn's own protocol behind limits. `upgrade` reads such requests and answers them.
- `websocket` and the event stream in `http` are the two ways to follow the stream; both are a `Client` of the gateway.
"""
