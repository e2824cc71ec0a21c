"""A proxy before a Redis: something may happen just before a command passes, and answers may get lost."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Self


class Cut(Exception):
    """Raised by `before`: the piece does not reach the server, and the connection ends."""


class Proxy:
    """Listens on loopback and passes everything on to a unix socket.

    `before` is called with each piece that a client sends, before it is passed on; it may raise `Cut`. `lose_answers`:
    from now on what the server answers is dropped and the connection ended.
    """

    def __init__(self, unix_url: str, before: Callable[[bytes], None] = lambda _: None) -> None:
        self.lose_answers = threading.Event()
        self._target = unix_url.removeprefix("unix://")
        self._before = before
        self._listening = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where a client connects to."""
        return f"redis://127.0.0.1:{self._listening.getsockname()[1]}/0"

    def __enter__(self) -> Self:
        """Listen."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Take no further connections."""
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listening.accept()
            except OSError:
                return
            far = socket.socket(socket.AF_UNIX)
            far.connect(self._target)
            threading.Thread(target=self._there, args=(near, far), daemon=True).start()
            threading.Thread(target=self._back, args=(near, far), daemon=True).start()

    def _there(self, near: socket.socket, far: socket.socket) -> None:
        while sent := _receive(near):
            try:
                self._before(sent)
            except Cut:
                break
            far.sendall(sent)
        _end(far)

    def _back(self, near: socket.socket, far: socket.socket) -> None:
        while (answer := _receive(far)) and not self.lose_answers.is_set():
            near.sendall(answer)
        _end(near)


def _receive(from_: socket.socket) -> bytes:
    try:
        return from_.recv(1 << 20)
    except OSError:
        return b""


def _end(connection: socket.socket) -> None:
    with suppress(OSError):  # the other side may have ended it already
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
