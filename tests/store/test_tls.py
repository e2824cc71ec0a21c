"""`rediss://` against a real server that speaks TLS only."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from alertrouter.errors import StoreUnavailable
from alertrouter.store.connection import border, connect, connect_async
from tests.standins import certificates
from tests.waiting import eventually


@pytest.fixture
def tls_redis(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A Redis with a certificate that signs itself and no plain port; gives its URL and the certificate."""
    program = shutil.which("redis-server")
    if program is None:
        assert os.environ.get("CI") != "true", "redis-server must be there"
        pytest.skip("no redis-server on the PATH that could speak TLS")
    certificate, _ = certificates.make(tmp_path)
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    keys = ["--tls-cert-file", str(certificate), "--tls-key-file", str(tmp_path / "key.pem")]
    command = [program, "--port", "0", "--tls-port", str(port), "--bind", "127.0.0.1", "--save", "", *keys]
    with subprocess.Popen([*command, "--tls-auth-clients", "no"], cwd=tmp_path) as running:
        yield f"rediss://127.0.0.1:{port}/0", certificate
        running.kill()


def test_a_trusted_certificate_is_spoken_to(tls_redis: tuple[str, Path]) -> None:
    """Both kinds of client write through TLS, the certificate checked against the file that the URL names."""
    url, certificate = tls_redis
    trusted = f"{url}?ssl_ca_certs={certificate}"

    async def read() -> object:
        async with connect_async(trusted) as client:
            return await client.get("tls")

    eventually(lambda: _writes(trusted), "the TLS server answers")

    assert asyncio.run(read()) == b"here"


def test_a_certificate_nobody_vouches_for_is_refused(tls_redis: tuple[str, Path]) -> None:
    """Without the file nothing is said to a server that could be anyone."""
    url, certificate = tls_redis
    eventually(lambda: _writes(f"{url}?ssl_ca_certs={certificate}"), "the TLS server answers")

    with pytest.raises(StoreUnavailable, match="certificate verify failed"), border(), connect(url) as client:
        client.ping()


def _writes(url: str) -> bool:
    try:
        with border(), connect(url) as client:
            return bool(client.set("tls", "here"))
    except StoreUnavailable:
        return False
