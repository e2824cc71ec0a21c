"""What clients say to the exporter over HTTP, and how its answers are counted."""

from __future__ import annotations

GET = b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n"
REPORT = b'{"task_type":"mail","queued":3}'
POST = b"POST /v1/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer s3cret\r\n"
WHOLE = POST + b"Content-Length: %d\r\n\r\n%b" % (len(REPORT), REPORT)
CHUNKED = b"7;name=x\r\n%b\r\n%x\r\n%b\r\n0\r\nTrailer: x\r\n\r\n" % (REPORT[:7], len(REPORT) - 7, REPORT[7:])


def statuses(answers: bytes) -> list[int]:
    """Of each answer, in order."""
    return [int(part[:3]) for part in answers.split(b"HTTP/1.1 ")[1:]]
