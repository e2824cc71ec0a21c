"""A certificate for 127.0.0.1 and localhost that signs itself, made by openssl."""

from __future__ import annotations

import ssl
import subprocess
from pathlib import Path


def make(directory: Path) -> tuple[Path, ssl.SSLContext]:
    """Make a certificate in the directory; gives the file to trust and the server's side."""
    certificate, key = directory / "certificate.pem", directory / "key.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *("-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
            *("-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
        timeout=30,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return certificate, context
