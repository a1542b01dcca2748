"""Who comes in, and what they may do. No route and no socket: headers in, a grant or a refusal out.

- `handshake` is the decision, for every kind of connection. It asks `access` (what a token allows) and `limits` (how
  many connections, at which pace). Before that, `requests` says what the head of a request must be like.
- From files: `keys` (for tokens) and `tls` (a certificate).
"""
