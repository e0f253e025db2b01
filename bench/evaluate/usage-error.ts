/** The command line is wrong, or a file that it names; the message says what and why. */
export class UsageError extends Error {}
