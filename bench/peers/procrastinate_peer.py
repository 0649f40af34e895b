"""One round of procrastinate: URL of an empty database, jobs one by one, jobs in one call."""

import asyncio
import json
import sys
import time

import procrastinate
import psycopg


async def main(url, one_by_one, bulk):
    app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=url))

    @app.task(name="nothing")
    async def nothing():
        pass

    async with app.open_async():
        await app.schema_manager.apply_schema_async()
        begun = time.perf_counter()
        for _ in range(one_by_one):
            await nothing.defer_async()
        one_rate = one_by_one / (time.perf_counter() - begun)
        begun = time.perf_counter()
        await nothing.batch_defer_async(*[{} for _ in range(bulk)])
        bulk_rate = bulk / (time.perf_counter() - begun)
        begun = time.perf_counter()
        await app.run_worker_async(
            wait=False, concurrency=64, install_signal_handlers=False
        )
        drain_rate = (one_by_one + bulk) / (time.perf_counter() - begun)
    with psycopg.connect(url) as connection:
        done = "SELECT COUNT(*) FROM procrastinate_jobs WHERE status = 'succeeded'"
        rows_left = connection.execute(done).fetchone()[0]
        undone = "SELECT COUNT(*) FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
        assert connection.execute(undone).fetchone()[0] == 0, "jobs are left undone"
    return {
        "one_by_one": one_rate,
        "bulk": bulk_rate,
        "drain": drain_rate,
        "rows_left": rows_left,
    }


print(json.dumps(asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))))
