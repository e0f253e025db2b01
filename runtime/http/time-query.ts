import { instantMs } from "../../protocols/campaign/instant.ts";
import type { EpochMs } from "../../protocols/quantities.ts";

/** What a time in a query must be. */
export const TIME_RULE = "must be an instant of RFC 3339 or milliseconds since 1970";

/** @returns null for what is no time. */
export const timeOf = (text: string): EpochMs | null => (/^\d{1,15}$/.test(text) ? Number(text) : instantMs(text));
