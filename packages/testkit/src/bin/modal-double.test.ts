import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { ModalClient } from "modal";
import { expect, test } from "vitest";
import { run as runIn } from "../modal-double/testing/cloud.ts";

const program = fileURLToPath(new URL("modal-double.ts", import.meta.url));

interface Ready {
  readonly url: string;
  readonly controlUrl: string;
  readonly folder: string;
  readonly tokenId: string;
  readonly tokenSecret: string;
}

function start(args: readonly string[], user?: number): ChildProcessWithoutNullStreams {
  const environment = { PATH: process.env["PATH"] };
  const as = user === undefined ? {} : { uid: user, gid: user };
  return spawn(process.execPath, ["--no-warnings", program, ...args], { env: environment, ...as });
}

async function readyOf(child: ChildProcessWithoutNullStreams): Promise<Ready> {
  const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
  return JSON.parse(line) as Ready;
}

async function useOnce({ url, tokenId, tokenSecret }: Ready): Promise<string> {
  process.env["MODAL_SERVER_URL"] = url;
  const client = new ModalClient({ tokenId, tokenSecret, logLevel: "error" });
  const app = await client.apps.fromName("command", { createIfMissing: true });
  const sandbox = await client.sandboxes.create(app, client.images.fromRegistry("node:24"));
  return (await runIn(sandbox, ["sh", "-c", "id -u; echo here > /etc/own; cat /etc/own"])).stdout;
}

/** As root the double is also tried as a user that has no rights; as an ordinary user it is one already. */
const users = process.getuid?.() === 0 ? [undefined, 65_534] : [undefined];

test.each(users)("serves until SIGTERM, and takes everything with it; as user %s", async (user) => {
  const child = start([], user);
  const ready = await readyOf(child);
  expect(await useOnce(ready)).toBe("0\nhere\n");
  expect(existsSync(ready.folder)).toBe(true);
  child.kill("SIGTERM");
  expect(await once(child, "close")).toEqual([0, null]);
  expect(existsSync(ready.folder)).toBe(false);
});

test("ends with its input, when it was told to", async () => {
  const child = start(["--until-input-ends"]);
  await readyOf(child);
  child.stdin.end();
  expect(await once(child, "close")).toEqual([0, null]);
});

test("--help", async () => {
  const child = start(["--help"]);
  const said = await text(child.stdout);
  for (const option of ["--port", "--package", "--build-network", "--until-input-ends"]) expect(said).toContain(option);
});

test.each([[["--port", "many"]], [["--package", "nothing"]], [["--nonsense"]], [["extra"]]])(
  "wrong arguments: %j",
  async (args) => {
    const child = start(args);
    const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, "close") as Promise<[number]>]);
    expect(code).toBe(1);
    expect(stderr).toMatch(/See --help/u);
  },
);

test("a taken port", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const child = start(["--port", String(port)]);
  const [stderr, [code]] = await Promise.all([text(child.stderr), once(child, "close") as Promise<[number]>]);
  server.close();
  expect(code).toBe(1);
  expect(stderr).toContain("EADDRINUSE");
});
