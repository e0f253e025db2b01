import { decodeBounded } from "../../protocols/codec.ts";
import type { TopicValue } from "../nats/topic-watch.ts";

export interface TopicFeedOptions {
  readonly shards: number;
  readonly send: (shard: number, value: TopicValue) => void;
  readonly onFault: (error: unknown) => void;
}

/** Topics that are kept; what learners publish beyond is not served. */
const TOPICS_MAX = 20_000;

/**
 * Brings what learners publish to every shard of this node (D17), and to one that is started anew. T1: versions of a topic only rise.
 * T2: at most TOPICS_MAX topics; those left out are counted.
 */
export class TopicFeed {
  readonly #options: TopicFeedOptions;
  readonly #values = new Map<string, TopicValue>();
  /** Values that found no room. */
  leftOut = 0;

  constructor(options: TopicFeedOptions) {
    this.#options = options;
  }

  take(value: TopicValue): void {
    const known = this.#values.get(value.topic);
    if (known !== undefined && known.version >= value.version) return;
    if (known === undefined && this.#values.size >= TOPICS_MAX) {
      this.leftOut++;
      return;
    }
    this.#values.set(value.topic, value);
    for (let shard = 0; shard < this.#options.shards; shard++) this.#options.send(shard, value);
  }

  /** A shard was started anew and has no snapshot. */
  shardStarted(shard: number): void {
    for (const value of this.#values.values()) this.#options.send(shard, value);
  }

  /** Values under a prefix, decoded, in the order of their topics. */
  under(prefix: string): readonly { readonly topic: string; readonly version: number; readonly value: unknown }[] {
    const found = [...this.#values.values()].filter(({ topic }) => topic.startsWith(`${prefix}.`));
    return found
      .sort((one, other) => (one.topic < other.topic ? -1 : 1))
      .map(({ topic, version, bytes }) => ({ topic, version, value: this.#decoded(topic, bytes) }));
  }

  #decoded(topic: string, bytes: Uint8Array): unknown {
    try {
      return decodeBounded(bytes);
    } catch (error) {
      this.#options.onFault(new Error(`topic ${topic} cannot be read`, { cause: error }));
      return null;
    }
  }
}
