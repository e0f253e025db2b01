import { pino, type Logger } from "pino";

/** Structured logs on stderr: constant texts, fields for the rest; secrets never reach it, redaction is the second line. */
export function createLog(level: string, node: string): Logger {
  return pino(
    {
      level,
      base: { node },
      redact: { paths: ["*.token", "*.adminToken", "*.senders", "headers.authorization"], censor: "[redacted]" },
      timestamp: pino.stdTimeFunctions.isoTime,
    },
    pino.destination({ dest: 2, sync: true }),
  );
}
