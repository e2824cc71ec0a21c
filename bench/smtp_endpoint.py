"""A mail server that takes everything and answers late: just enough SMTP for the drain rate of the email notifier."""

from __future__ import annotations

import asyncio
import threading
import time
from types import TracebackType


class SmtpEndpoint:
    """Listens on loopback in a thread; `taken_at` are the moments (monotonic, seconds) at which mails had come."""

    def __init__(self, delay: float) -> None:
        """Answer each mail after `delay` seconds."""
        self.taken_at: list[float] = []
        self.port = 0
        self._delay = delay
        self._loop = asyncio.new_event_loop()
        self._listening = threading.Event()
        self._thread = threading.Thread(target=self._run, name="smtp", daemon=True)

    def __enter__(self) -> SmtpEndpoint:
        """Start."""
        self._thread.start()
        self._listening.wait(10)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Stop."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        self._loop.run_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 bench\r\n")
        while line := await reader.readline():
            word = line[:4].upper().strip()
            if word == b"DATA":
                writer.write(b"354 go on\r\n")
                await reader.readuntil(b"\r\n.\r\n")
                self.taken_at.append(time.monotonic())
                await asyncio.sleep(self._delay)
                writer.write(b"250 taken\r\n")
            elif word == b"QUIT":
                writer.write(b"221 bye\r\n")
                break
            else:
                writer.write(b"250 bench\r\n")
        writer.close()
