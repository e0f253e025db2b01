import { z } from "zod";

/** `HOST:PORT`; port 0 means any free one. */
const HostPort = z.string().regex(/^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}$/, "must be HOST:PORT");
const Millis = (least: number, most: number, standard: number) => z.int().min(least).max(most).default(standard);

/** An agent of yours that plays the role over NATS (docs/outside-agents.md). */
const Outside = z.strictObject({
  /** How long a decision waits for its answer, at most. */
  timeoutMs: Millis(1, 1_000, 20),
  /** How questions to it are written. */
  encoding: z.enum(["json", "msgpack"]).default("json"),
});

const Variant = z.strictObject({
  name: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/),
  share: z.number().min(0).max(1),
  /** Absent: a variant of this release. */
  outside: Outside.optional(),
});

/** Variants of one role and the share of listeners each plays for; none = the default plays for all. */
const Casting = z
  .strictObject({
    variants: z
      .array(Variant)
      .max(8)
      .refine((list) => list.length === 0 || Math.abs(list.reduce((sum, { share }) => sum + share, 0) - 1) < 1e-6, {
        error: "shares must add up to 1",
      })
      .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, { error: "names must differ" })
      .default([]),
  })
  .prefault({});

/**
 * Every setting of the daemon, with default and bounds. The same keys are read from a JSON file and, in upper case with `CHORUS_` before
 * them and `_` for `.`, from the environment (`CHORUS_HTTP`, `CHORUS_NATS_PORT`).
 */
export const Settings = z.strictObject({
  /** Folder of everything the node keeps: store, keys, the managed nats-server's streams. */
  data: z.string().min(1).default("./chorus-data"),
  /** Name of this node in subjects and leases. */
  node: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,64}$/)
    .default("node-1"),
  /** Where players and exchanges call. */
  http: HostPort.default("127.0.0.1:8080"),
  /** Where operators call; keep it on loopback or behind TLS. */
  admin: HostPort.default("127.0.0.1:8081"),
  /** What players reach this node by, for tracking URLs; default: the address of `http`. */
  publicUrl: z.url().nullable().default(null),
  /** Shard threads; 0 = half the cores, at least one. */
  shards: z.int().min(0).max(256).default(0),
  /** Gateway threads that share the port. */
  gateways: z.int().min(1).max(64).default(1),
  /** Partitions of the cluster: fixed when it is created. */
  partitions: z.int().min(1).max(1_024).default(16),
  logLevel: z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
  /** Written atomically when the node serves, removed at a clean stop. */
  readyFile: z.string().nullable().default(null),
  /** Load the example campaigns into an empty data folder. */
  examples: z.boolean().default(true),
  /** local: a reply waits for this disk; replicated: for the partition log too; auto: replicated in a cluster (D2). */
  durability: z.enum(["auto", "local", "replicated"]).default("auto"),
  nats: z
    .strictObject({
      /** managed: this daemon runs its own nats-server; otherwise the URL of yours. */
      server: z
        .string()
        .refine((text) => text === "managed" || /^(nats|tls|ws|wss):\/\//.test(text), "must be `managed` or a nats URL")
        .default("managed"),
      /** Port of the managed server; 0 = any free one. */
      port: z.int().min(0).max(65_535).default(0),
      /** nkey seed file for an external server. */
      seedFile: z.string().nullable().default(null),
      /** `.creds` file for an external server. */
      credentialsFile: z.string().nullable().default(null),
      /** Bytes of partition logs kept; above it the oldest are purged (ADR 0008). */
      logBytesMax: z.int().min(16_777_216).default(2_147_483_648),
      replicas: z.int().min(1).max(5).default(1),
    })
    .prefault({}),
  commit: z
    .strictObject({
      /** Handler time after which a group is cut (D1). Longer groups raise the latency of asks. */
      groupMs: z.number().min(0.1).max(100).default(2),
      groupEnvelopesMax: z.int().min(1).max(65_536).default(4_096),
      recordBytesMax: z.int().min(4_096).max(4_194_304).default(1_048_576),
      groupsInFlightMax: z.int().min(1).max(64).default(4),
      /** Asks one shard lets wait; above it the edge sheds. */
      asksMax: z.int().min(1).max(1_000_000).default(4_096),
      /** Least time between two appends to a partition's log (ADR 0009); what the log lacks is lost with the disk. */
      logPaceMs: Millis(1, 10_000, 100),
      /** Least time between two messages of tells to one partition. */
      outputPaceMs: Millis(1, 10_000, 50),
      /** Least time between two messages of a partition's decision rows: so old may the decision log be (ADR 0009). */
      rowPaceMs: Millis(1, 10_000, 200),
      logBytesMax: z.int().min(1_024).max(4_194_304).default(65_536),
      /** Bytes of commits the log may lack, a partition; above it asks are shed (D2). */
      unshippedBytesMax: z.int().min(65_536).default(67_108_864),
      passivateAfterMs: Millis(100, 86_400_000, 60_000),
      /** Resident state of one shard, bytes. */
      residentBytesMax: z.int().min(1_048_576).default(268_435_456),
    })
    .prefault({}),
  supervision: z
    .strictObject({
      /** A shard's thread that does not come back for so long, milliseconds, is ended and replaced; 0 = never. */
      hangAfterMs: z.int().min(0).max(600_000).default(2_000),
      /**
       * JavaScript objects of one shard's thread, bytes, above which a handler that runs for long is ended with it; V8 ends the thread
       * 1 GiB above. Buffers are not counted.
       */
      heapBytesMax: z.int().min(67_108_864).max(68_719_476_736).default(1_073_741_824),
      /** Threads that may die in one envelope before it becomes a dead letter, or in an actor's asks before it is stopped. */
      deathsMax: z.int().min(1).max(10).default(3),
    })
    .prefault({}),
  checkpoint: z
    .strictObject({
      /** Between two checkpoints of every partition that changed, milliseconds; 0 = only when an operator asks. */
      everyMs: z.int().min(0).max(604_800_000).default(600_000),
      /** Checkpoints of each partition that are kept. */
      keep: z.int().min(1).max(100).default(2),
    })
    .prefault({}),
  gateway: z
    .strictObject({
      /** Deadline of a bid without `tmax`. */
      bidTimeoutMs: Millis(1, 10_000, 200),
      /** Taken off `tmax` for the network. */
      networkAllowanceMs: Millis(0, 1_000, 20),
      /** How long a beacon waits for its owner before it goes by mail (D4). */
      beaconTimeoutMs: Millis(10, 10_000, 250),
      bodyBytesMax: z.int().min(1_024).max(16_777_216).default(1_048_576),
      /** Our buyer seat, as the exchanges know it; without one, requests that name seats get bids of deals with seats only. */
      seat: z.string().min(1).max(64).nullable().default(null),
    })
    .prefault({}),
  currency: z
    .strictObject({
      /** Units of each currency that one US dollar buys, as {"EUR": 0.92}; without rates, campaigns are bid in their own currency only. */
      rates: z.record(z.string().regex(/^[A-Z]{3}$/), z.number().min(1e-6).max(1e9)).default({}),
    })
    .prefault({}),
  privacy: z
    .strictObject({
      /** Our id in the IAB Global Vendor List; while unset no vendor has consent under the GDPR. */
      gvlVendorId: z.int().min(1).max(65_535).nullable().default(null),
      /** open: a request without a known country is treated as outside the EEA and UK. */
      unknownCountry: z.enum(["restrict", "open"]).default("restrict"),
    })
    .prefault({}),
  agents: z
    .strictObject({
      /** Who says whether a request is a person's (docs/agents.md has all roles and their variants). */
      quality: Casting,
      audience: Casting,
      reward: Casting,
      frequency: Casting,
      separation: Casting,
      pacing: Casting,
      throttle: Casting,
      personalisation: Casting,
      creative: Casting,
    })
    .prefault({}),
  outside: z
    .strictObject({
      /** Questions to agents outside that one shard has under way; above it a decision goes on without them. */
      requestsMax: z.int().min(1).max(65_536).default(1_024),
      /** Bytes of those questions. */
      bytesMax: z.int().min(65_536).max(268_435_456).default(8_388_608),
    })
    .prefault({}),
  quality: z
    .strictObject({
      /** Requests of one listener a minute above which they are no person's: no bid, nbr 4. */
      requestsPerMinuteMax: z.int().min(1).max(1_000).default(600),
      /** Networks of data centres, as CIDR (`203.0.113.0/24`, `2001:db8::/32`): no bid, nbr 5. */
      datacenterNets: z
        .array(z.string().regex(/^[0-9a-fA-F.:]+\/\d{1,3}$/, "must be a network as CIDR"))
        .max(10_000)
        .default([]),
    })
    .prefault({}),
  reward: z
    .strictObject({
      /** Nanos that a second of ad costs more for each second of ad heard lately; 0 = the listener's time is free. */
      nanosPerSecondHeard: z.int().min(0).max(1_000_000).default(100),
      /** A second of ad heard this long ago counts half. */
      halfLifeMs: Millis(60_000, 604_800_000, 1_800_000),
      /** Nanos that a second of ad costs at most; 560,000 is what Pandora's trial makes it worth (learning.md 1). */
      nanosPerSecondMax: z.int().min(0).max(1_000_000_000).default(560_000),
    })
    .prefault({}),
  jobs: z
    .strictObject({
      /** Threads for heavy work beside the shards; 0 = half the cores, at least one. There is none while nothing is to do. */
      threadsMax: z.int().min(0).max(64).default(0),
      /** Jobs that wait for a thread; one more is refused. */
      queueMax: z.int().min(0).max(10_000).default(64),
      /** Heap of one such thread, bytes; a job that needs more fails. */
      heapBytesMax: z.int().min(33_554_432).max(17_179_869_184).default(268_435_456),
      /** A thread without work ends after so long. */
      idleMs: Millis(0, 3_600_000, 10_000),
    })
    .prefault({}),
  events: z
    .strictObject({
      /** Who may send `POST /v1/events`: name → bearer token of at least 16 characters. */
      senders: z.record(z.string().regex(/^[A-Za-z0-9_-]{1,64}$/), z.string().min(16)).default({}),
    })
    .prefault({}),
  attribution: z
    .strictObject({
      /** A conversion this long after a click is put down to it; at most as long as listeners are remembered. */
      clickThroughMs: Millis(3_600_000, 2_592_000_000, 2_592_000_000),
      /** A conversion this long after an ad was heard is put down to it, where no click is; 0 = never. */
      listenThroughMs: Millis(0, 2_592_000_000, 86_400_000),
      /** Of several touches of a listener: the latest, or the latest click before whatever was only heard. */
      model: z.enum(["last-touch", "last-click"]).default("last-touch"),
    })
    .prefault({}),
  clock: z
    .strictObject({
      /** Added to the system's clock: for acceptance tests of dayparts and days. */
      offsetMs: z.int().default(0),
    })
    .prefault({}),
});
export type Settings = z.infer<typeof Settings>;
