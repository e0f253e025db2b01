import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** The bytes that a floor answers with: as many as the daemon does. */
export interface CannedAnswer {
  readonly status: number;
  readonly body: string;
}

/**
 * A bare `node:http` server in this thread, as one gateway is one thread: reads the request, parses a body as JSON, answers the same
 * bytes every time. @param before runs between parsing and answering. @returns its URL.
 */
export async function listenBare(answer: CannedAnswer, before: (then: () => void) => void): Promise<string> {
  const body = Buffer.from(answer.body);
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (chunks.length > 0) JSON.parse(Buffer.concat(chunks).toString());
      before(() => respond(response, answer.status, body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function respond(response: ServerResponse, status: number, body: Buffer): void {
  if (body.length === 0) response.writeHead(status).end();
  else response.writeHead(status, { "content-type": "application/json", "content-length": body.length }).end(body);
}
