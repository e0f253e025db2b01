import type { ReadyFile } from "./daemon.ts";

const TIMEOUT_MS = 8_000;

/** `GET /v1/campaigns/ID/delivery` (interfaces.md 3). */
export interface DeliveryFigures {
  readonly spentMicros: number;
  readonly reservedMicros: number;
  readonly grantedMicros: number;
  readonly impressions: number;
  readonly starts: number;
  readonly completes: number;
  readonly skips: number;
  readonly clicks: number;
  readonly conversions: number;
  readonly asOf: string | null;
}

/** `GET /v1/decisions/ID`, as far as tests look. */
export interface Explained {
  readonly decisionId: string;
  readonly outcome: "bid" | "no-bid";
  readonly campaignId: string | null;
  readonly creativeId: string | null;
  readonly priceMicros: number | null;
  readonly events: readonly { readonly event: string; readonly at: string }[];
}

/** An operator of one node, over the admin API. */
export class AdminClient {
  private readonly node: ReadyFile;

  constructor(node: ReadyFile) {
    this.node = node;
  }

  fetch(path: string, init: RequestInit = {}): Promise<Response> {
    return fetch(`${this.node.admin}${path}`, {
      ...init,
      headers: { authorization: `Bearer ${this.node.adminToken}`, "content-type": "application/json" },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
  }

  /** @throws Error unless the answer is 2xx. */
  async json<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await this.fetch(path, init);
    const text = await response.text();
    if (!response.ok) throw new Error(`${init.method ?? "GET"} ${path}: ${response.status} ${text}`);
    return JSON.parse(text) as T;
  }

  /** Applies a campaign document; returns once every shard serves it. */
  async apply(document: unknown): Promise<void> {
    await this.json("/v1/apply", { method: "POST", body: JSON.stringify(document) });
  }

  delivery(campaignId: string): Promise<DeliveryFigures> {
    return this.json(`/v1/campaigns/${campaignId}/delivery`);
  }

  explain(decisionId: string): Promise<Explained> {
    return this.json(`/v1/decisions/${decisionId}`);
  }
}
