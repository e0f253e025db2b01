import { decisionRecordOf } from "../../protocols/decision-record.ts";
import { whyNotJob } from "../../protocols/why-not.ts";
import { connectNats } from "../nats/connect.ts";
import { openDecisionLog } from "../nats/decision-log.ts";
import { jobModule } from "../threads/job-messages.ts";
import { natsOptions } from "./nats-options.ts";
import { LATE_MS, SKEW_MS } from "./search-budget.ts";
import { WhyNotTally } from "./why-not-tally.ts";

/** Reads the decision log back from `untilMs` to `sinceMs` in a thread of its own: megabytes of records that would hold up the daemon's. */
export default jobModule(whyNotJob, async ({ readMs, ...query }, { nats, clockOffsetMs, progress }) => {
  const { sinceMs, untilMs } = query;
  const stopAtMs = performance.now() + readMs;
  const tally = new WhyNotTally(query);
  const connection = await connectNats(natsOptions(nats, "chorus-job-why-not"));
  try {
    const log = await openDecisionLog(connection);
    let readBackToMs = sinceMs;
    for await (const { rows, storedAtMs } of log.backwards({ atMs: untilMs - clockOffsetMs + LATE_MS })) {
      const atMs = storedAtMs + clockOffsetMs;
      // Rows are stored after their decisions were made, by the server's clock.
      if (atMs + SKEW_MS < sinceMs) break;
      for (const row of rows) {
        const record = decisionRecordOf(row);
        if (record !== null) tally.take(record);
      }
      progress((untilMs - atMs) / Math.max(1, untilMs - sinceMs));
      if (performance.now() >= stopAtMs) {
        readBackToMs = Math.max(sinceMs, Math.min(atMs, untilMs));
        break;
      }
    }
    return { days: tally.days(), readBackToMs };
  } finally {
    await connection.close();
  }
});
