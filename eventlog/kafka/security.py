"""How to prove who we are to the brokers of Kafka, and they to us: TLS and SASL."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from schemas.errors import UsageError

Protocol = Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"]
Mechanism = Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"]


@dataclass(frozen=True, slots=True)
class Security:
    """How to prove who we are to the brokers, and they to us."""

    protocol: Protocol = "PLAINTEXT"
    mechanism: Mechanism | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None

    def tls(self) -> ssl.SSLContext | None:
        """The TLS context, where the protocol has one. Raises `UsageError` for files that do not fit."""
        if self.protocol not in ("SSL", "SASL_SSL"):
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file is not None:
                context.load_cert_chain(self.cert_file, self.key_file)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(
                f"Kafka's TLS files cannot be used ({error}). Check SANDIK_KAFKA_SSL_CAFILE, _CERTFILE and _KEYFILE."
            ) from error
        return context
