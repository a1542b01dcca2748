"""Connections: bytes from a socket in, bytes from the gateway out. The thin shell around what is pure.

- `websocket` and the event stream in `http` are the two ways to follow the stream; both are a `Client` of the gateway.
- `http` is uvicorn's own protocol behind limits; it also asks the kernel what asyncio has no word for.
"""
