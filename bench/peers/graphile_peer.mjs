// One round of graphile-worker: URL of an empty database, jobs one by one, jobs in one call.

import { Logger, makeWorkerUtils, runOnce } from "graphile-worker";

const [connectionString, oneByOne, bulk] = [
  process.argv[2],
  Number(process.argv[3]),
  Number(process.argv[4]),
];
const logger = new Logger(() => () => {});
const utils = await makeWorkerUtils({ connectionString, logger });
await utils.migrate();

const rate = (jobs, begun) => (jobs * 1000) / (performance.now() - begun);

let begun = performance.now();
for (let job = 0; job < oneByOne; job += 1) await utils.addJob("nothing", {});
const one_by_one = rate(oneByOne, begun);

begun = performance.now();
await utils.addJobs(
  Array.from({ length: bulk }, () => ({ identifier: "nothing", payload: {} })),
);
const bulkRate = rate(bulk, begun);

begun = performance.now();
await runOnce({
  connectionString,
  logger,
  concurrency: 64,
  maxPoolSize: 10,
  noHandleSignals: true,
  taskList: { nothing: async () => {} },
});
const drain = rate(oneByOne + bulk, begun);

// A job that is done is deleted: nothing is left, of it or of its end.
const rows_left = await utils.withPgClient(async (client) => {
  const found = await client.query(
    "SELECT COUNT(*)::int AS jobs FROM graphile_worker._private_jobs",
  );
  return found.rows[0].jobs;
});
await utils.release();
console.log(JSON.stringify({ one_by_one, bulk: bulkRate, drain, rows_left }));
