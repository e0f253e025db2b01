"""Plays `frequency` as `calm`: nobody hears more than 20 s in one ad. Arguments: NATS URL, nkey seed file."""

import asyncio
import json
import sys

import nats


async def answer(message):
    vetoes = [
        {"adSetId": candidate["adSetId"], "creativeId": creative["creativeId"], "reason": "long", "rule": "20 s"}
        for candidate in json.loads(message.data)["candidates"]
        for creative in candidate["creatives"]
        if creative["durationMs"] > 20_000
    ]
    await message.respond(json.dumps({"v": 1, "version": "1", "vetoes": vetoes}).encode())


async def main(server, seed_file):
    connection = await nats.connect(server, nkeys_seed=seed_file)
    await connection.subscribe("chorus.agent.frequency.calm", cb=answer)
    await connection.flush()
    print("listening", flush=True)
    await asyncio.Event().wait()


asyncio.run(main(*sys.argv[1:]))
