import { whyNotJob } from "../../protocols/why-not.ts";
import type { JobRegistry } from "./jobs-pool.ts";

/** Every job of this release. */
export const jobRegistry: JobRegistry = {
  [whyNotJob.name]: new URL("./why-not-job.ts", import.meta.url),
};
