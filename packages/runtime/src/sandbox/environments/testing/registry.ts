import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { ZipFile } from "yazl";

export interface NpmPackage {
  readonly name: string;
  readonly version: string;
  /** Fields of its package.json. */
  readonly manifest?: object;
  /** Its files; `bin/…` are executable. */
  readonly files: Readonly<Record<string, string>>;
}

export interface Wheel {
  readonly name: string;
  readonly version: string;
  readonly files: Readonly<Record<string, string>>;
  /** Console scripts: `name = module:function`. */
  readonly scripts?: readonly string[];
  /** Names of packages that it needs. */
  readonly requires?: readonly string[];
}

/** An npm registry and a Python index on loopback, with packages that the test has made. */
export interface Registry extends AsyncDisposable {
  readonly npm: string;
  readonly pip: string;
  /** `127.0.0.1:PORT` */
  readonly host: string;
  /** Paths that were asked for, in order. */
  readonly asked: string[];
  publish(what: { readonly npm?: readonly NpmPackage[]; readonly wheels?: readonly Wheel[] }): Promise<void>;
  /** Requests wait until this is called; `busy` resolves when one does. */
  hold(): { readonly busy: Promise<void>; release(): void };
  /** From now on every request gets this status. */
  fail(status: number): void;
}

export async function startRegistry(): Promise<Registry> {
  const answers = new Map<string, { readonly type: string; readonly bytes: Buffer }>();
  const asked: string[] = [];
  let held: { busy: PromiseWithResolvers<void>; free: PromiseWithResolvers<void> } | undefined;
  let failing: number | undefined;
  const server = createServer((request, response) => {
    const path = decodeURIComponent(request.url ?? "").split("?")[0] ?? "";
    asked.push(path);
    held?.busy.resolve();
    void (held?.free.promise ?? Promise.resolve()).then(() => {
      const answer = answers.get(path);
      if (failing !== undefined || answer === undefined) response.writeHead(failing ?? 404).end();
      else response.writeHead(200, { "content-type": answer.type }).end(answer.bytes);
    });
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    npm: `http://${host}/npm/`,
    pip: `http://${host}/pypi/simple/`,
    host,
    asked,
    async publish({ npm = [], wheels = [] }) {
      for (const one of npm) publishNpm(one, { host, answers });
      for (const one of wheels) await publishWheel(one, { host, answers });
    },
    hold() {
      const mine = { busy: Promise.withResolvers<void>(), free: Promise.withResolvers<void>() };
      held = mine;
      return {
        busy: mine.busy.promise,
        release: () => {
          held = undefined;
          mine.free.resolve();
        },
      };
    },
    fail(status) {
      failing = status;
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Shelf {
  readonly host: string;
  readonly answers: Map<string, { readonly type: string; readonly bytes: Buffer }>;
}

function publishNpm({ name, version, manifest = {}, files }: NpmPackage, { host, answers }: Shelf): void {
  const scratch = mkdtempSync(join(tmpdir(), "npm-package-"));
  try {
    const document = { name, version, ...manifest };
    for (const [path, text] of Object.entries({ ...files, "package.json": JSON.stringify(document) })) {
      const file = join(scratch, "package", path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text, { mode: path.startsWith("bin/") ? 0o755 : 0o644 });
    }
    execFileSync("tar", ["-czf", join(scratch, "package.tgz"), "-C", scratch, "package"]);
    const bytes = readFileSync(join(scratch, "package.tgz"));
    const path = `/npm/${name}/-/${name}-${version}.tgz`;
    const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
    const entry = { ...document, dist: { tarball: `http://${host}${path}`, integrity } };
    answers.set(path, { type: "application/octet-stream", bytes });
    const earlier = answers.get(`/npm/${name}`)?.bytes.toString();
    const { versions = {} } = earlier === undefined ? {} : (JSON.parse(earlier) as { versions?: object });
    const packument = { name, "dist-tags": { latest: version }, versions: { ...versions, [version]: entry } };
    answers.set(`/npm/${name}`, { type: "application/json", bytes: Buffer.from(JSON.stringify(packument)) });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function publishWheel(wheel: Wheel, { host, answers }: Shelf): Promise<void> {
  const { name, version, files, scripts = [], requires = [] } = wheel;
  const info = `${name}-${version}.dist-info`;
  const all: Record<string, string> = {
    ...files,
    [`${info}/METADATA`]: [`Metadata-Version: 2.1`, `Name: ${name}`, `Version: ${version}`]
      .concat(
        requires.map((one) => `Requires-Dist: ${one}`),
        "",
      )
      .join("\n"),
    [`${info}/WHEEL`]: "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    ...(scripts.length === 0 ? {} : { [`${info}/entry_points.txt`]: `[console_scripts]\n${scripts.join("\n")}\n` }),
  };
  const lines = Object.entries(all).map(([path, text]) => {
    const digest = createHash("sha256").update(text).digest("base64url");
    return `${path},sha256=${digest},${Buffer.byteLength(text)}`;
  });
  all[`${info}/RECORD`] = [...lines, `${info}/RECORD,,`, ""].join("\n");
  const zip = new ZipFile();
  for (const [path, text] of Object.entries(all)) zip.addBuffer(Buffer.from(text), path);
  zip.end();
  const bytes = await buffer(zip.outputStream);
  const file = `${name}-${version}-py3-none-any.whl`;
  answers.set(`/pypi/files/${file}`, { type: "application/octet-stream", bytes });
  const digest = createHash("sha256").update(bytes).digest("hex");
  const page = `<a href="http://${host}/pypi/files/${file}#sha256=${digest}">${file}</a>\n`;
  const before = answers.get(`/pypi/simple/${name}/`)?.bytes.toString() ?? "";
  answers.set(`/pypi/simple/${name}/`, { type: "text/html", bytes: Buffer.from(before + page) });
}
