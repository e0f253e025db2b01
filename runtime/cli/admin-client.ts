import { z } from "zod";
import { CommandFailure, EXIT } from "./exit-code.ts";
import { findNode, type NodeAddress, type NodeOptions } from "./node-address.ts";
import type { Terminal } from "./terminal.ts";

const TIMEOUT_MS = 15_000;
const FAULTS_SHOWN = 50;

/** An RFC 9457 document as the admin edge sends it. */
const Problem = z.looseObject({
  title: z.string(),
  code: z.string().optional(),
  errors: z.array(z.object({ path: z.string(), value: z.unknown(), rule: z.string() })).default([]),
});

export interface AdminRequest {
  readonly method?: "GET" | "POST" | "PATCH";
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly body?: unknown;
  /** What was asked for, for the message when it is not found. */
  readonly what?: string;
}

/** Speaks to a node's admin API; every trouble is a CommandFailure with the exit code of interfaces.md 1. */
export class AdminClient {
  readonly #address: NodeAddress;

  private constructor(address: NodeAddress) {
    this.#address = address;
  }

  static async find(options: NodeOptions, terminal: Terminal): Promise<AdminClient> {
    return new AdminClient(await findNode(options, terminal));
  }

  /** @param path starts with a slash. @returns the JSON of an answer below 300. */
  async request(path: string, request: AdminRequest = {}): Promise<unknown> {
    const url = new URL(this.#address.url + path);
    for (const [name, value] of Object.entries(request.query ?? {}))
      if (value !== undefined) url.searchParams.set(name, value);
    const answer = await this.#fetch(url, request);
    const json = await jsonOf(answer);
    if (answer.status < 300) return json;
    throw failureOf(answer.status, json, request.what ?? path);
  }

  async #fetch(url: URL, { method = "GET", body }: AdminRequest): Promise<Response> {
    try {
      return await fetch(url, {
        method,
        headers: {
          authorization: `Bearer ${this.#address.token}`,
          ...(body === undefined ? {} : { "content-type": "application/json" }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
    } catch (error) {
      const cause = (error as { readonly cause?: { readonly code?: string; readonly message?: string } }).cause;
      const why = cause?.code ?? cause?.message ?? (error instanceof Error ? error.message : String(error));
      throw new CommandFailure(EXIT.unreachable, `cannot reach the node at ${this.#address.url}: ${why}`);
    }
  }
}

async function jsonOf(answer: Response): Promise<unknown> {
  const text = await answer.text();
  try {
    return text === "" ? null : (JSON.parse(text) as unknown);
  } catch {
    throw new CommandFailure(EXIT.fault, `the node answered ${answer.status} with something else than JSON`);
  }
}

function failureOf(status: number, json: unknown, what: string): CommandFailure {
  if (status === 404) return new CommandFailure(EXIT.notFound, `not found: ${what}`);
  if (status === 401)
    return new CommandFailure(EXIT.fault, "the node refuses the token: see adminToken in its node.json");
  const problem = Problem.safeParse(json);
  if (!problem.success) return new CommandFailure(EXIT.fault, `the node answered ${status}`);
  const { title, code, errors } = problem.data;
  const lines = errors
    .slice(0, FAULTS_SHOWN)
    .map(({ path, value, rule }) => `  ${path || "(whole)"} = ${JSON.stringify(value ?? null)}: ${rule}`);
  if (errors.length > FAULTS_SHOWN) lines.push(`  and ${errors.length - FAULTS_SHOWN} more`);
  return new CommandFailure(EXIT.fault, [`${title}${code === undefined ? "" : ` (${code})`}`, ...lines].join("\n"));
}
