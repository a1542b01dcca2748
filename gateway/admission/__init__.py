"""Admission: who is let in, and what they may do. No route and no socket: headers in, a grant or a refusal out.

- `handshake` decides, for every kind of connection, also whether the head of a request is one, and counts against its
  limits (how many connections, at which rate). It asks `access` what a token allows.
- `keys` reads from files the keys for tokens and the certificate for TLS.
"""
