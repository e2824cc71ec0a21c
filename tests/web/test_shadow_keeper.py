"""The process that decides for the shadow: started where none runs, given up in the end, and never left behind."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alertrouter.settings import Settings
from alertrouter.shadow import Standing
from alertrouter.store.connection import connect_async
from alertrouter.store.doorstore import DoorStore
from alertrouter.store.keys import Keys
from alertrouter.store.revisions import Happened, Revision
from alertrouter.web.shadow_keeper import ShadowKeeper
from tests.waiting import PATIENCE

NOW = datetime(2026, 3, 2, tzinfo=UTC)
CHOSEN = Revision(happened=Happened.PUBLISHED, revision="abcdef123456", at=NOW, actor="lena", files={"p.yml": ""})


@pytest.fixture
def settings(settings_for: Callable[..., Settings]) -> Settings:
    """A Redis of its own namespace."""
    return settings_for()


@asynccontextmanager
async def kept(settings: Settings, keys: Keys, script: str) -> AsyncIterator[DoorStore]:
    """A shadow, and a keeper whose followers are this script."""
    client = connect_async(settings.redis_url)
    await client.set(keys.active, "live")
    await client.hset(keys.policies, "live", b"\x80")
    store = DoorStore(client, keys, max_backlog=10)
    await store.shadow.begin(CHOSEN, "lena", NOW)
    keeper = ShadowKeeper(store, command=(sys.executable, "-c", script), every=0.02)
    keeper.start()
    try:
        yield store
    finally:
        await keeper.stop()
        await client.aclose()


async def until(check: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it is so."""
    async with asyncio.timeout(10 * PATIENCE):
        while not await check():  # noqa: ASYNC110  it is another process that makes it so
            await asyncio.sleep(0.02)


def test_what_dies_again_and_again_is_given_up(settings: Settings, keys: Keys, tmp_path: Path) -> None:
    """Three times in a row; the shadow is shown as failed, and what it takes with it is no door."""
    log = tmp_path / "deaths"
    script = f"open({str(log)!r}, 'a').write('x'); raise SystemExit(7)"

    async def live() -> Standing | None:
        async with kept(settings, keys, script) as store:

            async def failed() -> bool:
                standing = await store.shadow.standing()
                return standing is not None and standing.sums is not None and standing.sums.failed

            await until(failed)
            assert await store.shadow.unfollowed() is None
            return await store.shadow.standing()

    standing = asyncio.run(live())
    assert standing is not None
    assert standing.sums is not None
    assert standing.sums.stopped == "its process died 3 times (exit code 7)"
    assert log.read_text(encoding="utf-8") == "xxx"


def test_a_follower_ends_with_the_door_that_started_it(settings: Settings, keys: Keys, tmp_path: Path) -> None:
    """It would decide for a shadow of which nobody asks it any more."""
    said = tmp_path / "pid"
    script = f"import os, time; open({str(said)!r}, 'w').write(f'{{os.getpid()}}.'); time.sleep(60)"

    async def live() -> None:
        async with kept(settings, keys, script):

            async def runs() -> bool:
                return said.exists() and said.read_text(encoding="utf-8").endswith(".")

            await until(runs)

    asyncio.run(live())
    with pytest.raises(ProcessLookupError):
        os.kill(int(said.read_text(encoding="utf-8").removesuffix(".")), 0)
