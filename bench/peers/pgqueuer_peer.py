"""One round of pgqueuer: URL of an empty database, jobs one by one, jobs in one call."""

import asyncio
import json
import sys
import time

import asyncpg
from pgqueuer import AsyncpgDriver, QueueManager
from pgqueuer.queries import Queries
from pgqueuer.types import QueueExecutionMode


async def main(url, one_by_one, bulk):
    connection = await asyncpg.connect(url)
    driver = AsyncpgDriver(connection)
    queries = Queries(driver)
    await queries.install()
    manager = QueueManager(queries)

    @manager.entrypoint("nothing")
    async def nothing(job):
        pass

    begun = time.perf_counter()
    for _ in range(one_by_one):
        await queries.enqueue("nothing", None)
    one_rate = one_by_one / (time.perf_counter() - begun)
    begun = time.perf_counter()
    await queries.enqueue(["nothing"] * bulk, [None] * bulk, [0] * bulk)
    bulk_rate = bulk / (time.perf_counter() - begun)
    begun = time.perf_counter()
    await manager.run(batch_size=100, mode=QueueExecutionMode.drain)
    drain_rate = (one_by_one + bulk) / (time.perf_counter() - begun)
    await connection.close()
    connection = await asyncpg.connect(url)
    undone = await connection.fetchval("SELECT COUNT(*) FROM pgqueuer")
    assert undone == 0, f"{undone} jobs are left undone"
    done = "SELECT COUNT(DISTINCT job_id) FROM pgqueuer_log WHERE status = 'successful'"
    rows_left = await connection.fetchval(done)
    await connection.close()
    return {
        "one_by_one": one_rate,
        "bulk": bulk_rate,
        "drain": drain_rate,
        "rows_left": rows_left,
    }


print(json.dumps(asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
