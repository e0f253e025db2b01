/**
 * A process that owns a managed nats-server, for tests that kill it: `node nats-owner.ts BINARY STORE CREDENTIALS`.
 * Prints one line of JSON once the server serves, and then stays until it is killed.
 */
import { startManagedServer } from "../../runtime/nats/managed-server.ts";

const [binary = "", storeDir = "", credentialsDir = ""] = process.argv.slice(2);
const server = await startManagedServer({ binary, storeDir, credentialsDir, port: 0, onLine: () => undefined });
console.log(JSON.stringify({ url: server.url, pid: server.pid }));
setInterval(() => undefined, 60_000);
