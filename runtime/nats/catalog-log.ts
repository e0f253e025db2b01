import { jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/transport-node";
import { decodeBounded, encode } from "../../protocols/codec.ts";
import { Fault } from "../../protocols/errors.ts";
import type { CatalogChange } from "../../protocols/messages/catalog.ts";
import { catalogChangeSubject, catalogCopySubject, HEADERS, MSGPACK, STREAMS } from "../../protocols/subjects.ts";
import { openFencedSubject } from "./fenced-subject.ts";

const REQUEST_TIMEOUT_MS = 5_000;
/** Documents of a copy are spread over messages of about this size. */
const PART_BYTES = 1_048_576;
/** Messages that are read at the same time. */
const READ_AT_ONCE = 64;

/**
 * The catalog's past in `CHORUS_CATALOG`: each version's changes under `chorus.catalog.change.V`, and now and then all documents under
 * `chorus.catalog.copy.V.PART` (D17). G1: a version is written once, by whichever node comes first. G2: part 0 of a copy is written
 * last, so a copy that has it is whole. All methods throw Fault NATS_UNAVAILABLE.
 */
export interface CatalogLog {
  /** The version written last, or null. */
  newest(): Promise<number | null>;
  change(version: number, changes: readonly CatalogChange[]): Promise<void>;
  copy(version: number, documents: readonly CatalogChange[]): Promise<void>;
  /** All documents as they were, or null when that can no longer be told. */
  documentsAt(version: number): Promise<readonly CatalogChange[] | null>;
}

interface CopyPart {
  readonly parts: number;
  readonly documents: readonly CatalogChange[];
}

export async function openCatalogLog(connection: NatsConnection): Promise<CatalogLog> {
  const fenced = await openFencedSubject(connection, STREAMS.catalog);
  const jsm = await jetstreamManager(connection, { timeout: REQUEST_TIMEOUT_MS, checkAPI: false });

  const write = async (subject: string, type: string, value: unknown): Promise<void> => {
    const headers = { [HEADERS.contentType]: MSGPACK, [HEADERS.type]: type };
    const { outcome } = await fenced.append(subject, encode(value), headers, 0);
    if (outcome === "unknown") throw new Fault("NATS_UNAVAILABLE", `${subject} was not stored`);
  };
  const read = async (subject: string): Promise<unknown> => {
    const tail = await fenced.tail(subject);
    return tail === null ? null : decodeBounded(tail.data);
  };
  /** Versions with a whole copy up to this one, the newest first. */
  const copiesUpTo = async (version: number): Promise<number[]> => {
    try {
      const { state } = await jsm.streams.info(STREAMS.catalog, { subjects_filter: catalogCopySubject("*", 0) });
      const versions = Object.keys(state.subjects ?? {}).map((subject) => Number(subject.split(".")[3]));
      return versions.filter((each) => each <= version).sort((one, other) => other - one);
    } catch (cause) {
      throw new Fault("NATS_UNAVAILABLE", `cannot read the stream ${STREAMS.catalog}`, { cause });
    }
  };

  return {
    async newest() {
      const message = await jsm.streams
        .getMessage(STREAMS.catalog, { last_by_subj: "chorus.catalog.>" })
        .catch((cause: unknown) => {
          throw new Fault("NATS_UNAVAILABLE", `cannot read the stream ${STREAMS.catalog}`, { cause });
        });
      return message === null ? null : Number(message.subject.split(".")[3]);
    },
    change: (version, changes) => write(catalogChangeSubject(version), "catalog-change", changes),
    async copy(version, documents) {
      const parts = partsOf(documents);
      for (let part = parts.length - 1; part >= 0; part--) {
        const value: CopyPart = { parts: parts.length, documents: parts[part] ?? [] };
        await write(catalogCopySubject(version, part), "catalog-copy", value);
      }
    },
    async documentsAt(version) {
      const [base] = await copiesUpTo(version);
      if (base === undefined) return null;
      const first = (await read(catalogCopySubject(base, 0))) as CopyPart | null;
      const rest = numbers(1, first?.parts ?? 0).map((part) => catalogCopySubject(base, part));
      const copies = [first, ...(await readAll<CopyPart>(rest, read))];
      const changes = await readAll<readonly CatalogChange[]>(
        numbers(base + 1, version + 1).map((each) => catalogChangeSubject(each)),
        read,
      );
      const documents = new Map<string, CatalogChange>();
      for (const each of [...copies.map((copy) => copy?.documents ?? null), ...changes]) {
        if (each === null) return null;
        for (const change of each) documents.set(`${change.collection}/${change.id}`, change);
      }
      return [...documents.values()].filter(({ document }) => document !== null);
    },
  };
}

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from) }, (_, index) => from + index);

/** Values of subjects in their order; null for one that is not there. */
async function readAll<Value>(
  subjects: readonly string[],
  read: (subject: string) => Promise<unknown>,
): Promise<(Value | null)[]> {
  const values: unknown[] = [];
  for (let at = 0; at < subjects.length; at += READ_AT_ONCE)
    values.push(...(await Promise.all(subjects.slice(at, at + READ_AT_ONCE).map(read))));
  return values as (Value | null)[];
}

/** At least one part, so that an empty catalog has a copy too. */
function partsOf(documents: readonly CatalogChange[]): CatalogChange[][] {
  const parts: CatalogChange[][] = [[]];
  let bytes = 0;
  for (const change of documents) {
    const size = encode(change).byteLength;
    if (bytes > 0 && bytes + size > PART_BYTES) {
      parts.push([]);
      bytes = 0;
    }
    parts.at(-1)?.push(change);
    bytes += size;
  }
  return parts;
}
