"""A far side that answers each request, and each connection, as a script has it."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
from collections.abc import Sequence

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Scripted:
    """Answers each request of a connection with the next of its pieces, and hangs up after the last one."""

    def __init__(self, pieces: Sequence[bytes], *, reads: bool = True, context: ssl.SSLContext | None = None) -> None:
        self.connections = 0
        self.hung_up = 0
        self.requests: list[bytes] = []
        self._pieces = pieces
        self._reads = reads
        self._context = context
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.getsockname()[1])

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}/hook"

    def close(self) -> None:
        """Listen no longer."""
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = self._listening.accept()
                self.connections += 1
                with contextlib.suppress(OSError):
                    connection = self._context.wrap_socket(plain, server_side=True) if self._context else plain
                    with connection:
                        self._answer(connection)
                self.hung_up += 1

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        for piece in self._pieces:
            if self._reads and not self._read(connection):
                return
            connection.sendall(piece)

    def _read(self, connection: socket.socket) -> bool:
        request = b""
        while b"\r\n\r\n" not in request or not request.endswith(b"}"):
            part = connection.recv(65536)
            if not part:
                return False
            request += part
        self.requests.append(request)
        return True
