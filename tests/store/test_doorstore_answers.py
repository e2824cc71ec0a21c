"""Answers of the router, for which requests wait at the web door."""

from __future__ import annotations

import asyncio

import msgspec
import redis

from alertrouter.engine.changes import Answer
from alertrouter.errors import StoreUnavailable
from alertrouter.store.doorstore import DoorStore
from alertrouter.store.keys import Keys
from tests.store.door import with_door


def answered(name: str) -> Answer:
    """What a router would say."""
    return Answer(incident=name, transition=None, text="done")


def test_all_who_wait_for_answers_get_their_own(redis_url: str, client: redis.Redis, keys: Keys) -> None:
    """Given many who wait, two of them for the same, then each hears what is for them, and nobody else's."""

    async def act(door: DoorStore) -> list[str]:
        names = [f"k{number}" for number in range(20)]
        waiting = [asyncio.create_task(door.answer(name)) for name in [*names, "k0"]]
        await asyncio.sleep(0)
        for name in names:
            client.set(keys.answer(name), msgspec.msgpack.encode(answered(name)))
        return [one.incident if one else "" for one in await asyncio.gather(*waiting)]

    assert with_door(redis_url, keys, act) == [*(f"k{number}" for number in range(20)), "k0"]


def test_who_gets_no_answer_in_time_hears_so_and_the_others_wait_on(
    redis_url: str, client: redis.Redis, keys: Keys
) -> None:
    """Given one who is less patient, then the other still gets the answer that comes later."""

    async def act(door: DoorStore) -> tuple[Answer | None, Answer | None]:
        patient = asyncio.create_task(door.answer("k", patience=30))
        given_up = await door.answer("k", patience=0.01)
        client.set(keys.answer("k"), msgspec.msgpack.encode(answered("k")))
        return given_up, await patient

    assert with_door(redis_url, keys, act) == (None, answered("k"))


def test_a_store_that_does_not_answer_is_told_to_all_who_wait(keys: Keys) -> None:
    """Nobody waits for ever."""

    async def act(door: DoorStore) -> tuple[Answer | BaseException | None, ...]:
        return await asyncio.gather(door.answer("a"), door.answer("b"), return_exceptions=True)

    assert all(isinstance(one, StoreUnavailable) for one in with_door("redis://127.0.0.1:1/0", keys, act))
