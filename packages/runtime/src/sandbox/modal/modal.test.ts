import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { createServer as createHttp2Server } from "node:http2";
import type { ServerHttp2Session } from "node:http2";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WITHOUT_END, testSpec } from "../testing/inside.ts";
import { modalSandbox } from "./index.ts";

// The SDK has pauses of its own.

const options = { tokenId: "ak-test", tokenSecret: "as-test-secret", appName: "test" };
const before = process.env["MODAL_SERVER_URL"];
const closing: (() => unknown)[] = [];

beforeEach(() => {
  process.env["MODAL_SERVER_URL"] = "http://127.0.0.1:9";
});

afterEach(async () => {
  if (before === undefined) delete process.env["MODAL_SERVER_URL"];
  else process.env["MODAL_SERVER_URL"] = before;
  for (const close of closing.splice(0)) await close();
});

const inAnHour = Math.floor(Date.now() / 1000) + 3600;
const jwt = `e30.${Buffer.from(JSON.stringify({ exp: inAnHour })).toString("base64url")}.sig`;
/** One message with a string as its field 1: the token of AuthTokenGet, and good enough as the id of an app. */
const GRPC_ANSWER = Buffer.concat([
  Buffer.from([0, 0, 0, 0, jwt.length + 2]),
  Buffer.from([0x0a, jwt.length]),
  Buffer.from(jwt),
]);

/** A gRPC server that answers every call with this status; gRPC is HTTP/2 with its status in a header. */
async function grpcServer(status: number | null): Promise<{ calls: string[] }> {
  const calls: string[] = [];
  const sessions = new Set<ServerHttp2Session>();
  const server = createHttp2Server();
  server.on("session", (session) => sessions.add(session));
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    calls.push(`${String(headers[":path"])} ${String(headers["x-modal-token-id"])}`);
    if (status === null) return;
    const head = { ":status": 200, "content-type": "application/grpc" };
    if (status !== 0) {
      stream.respond({ ...head, "grpc-status": String(status), "grpc-message": "no such token" }, { endStream: true });
      return;
    }
    stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
    stream.respond(head, { waitForTrailers: true });
    stream.end(GRPC_ANSWER);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  process.env["MODAL_SERVER_URL"] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  closing.push(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  return { calls };
}

function create(more: Partial<Parameters<typeof modalSandbox>[0]> = {}, signal = WITHOUT_END.signal): Promise<unknown> {
  return modalSandbox({ ...options, ...more }).create(testSpec("modal"), { ...WITHOUT_END, signal });
}

test("credentials that Modal refuses: what to check, and never the token", async () => {
  const { calls } = await grpcServer(16);
  const error = await create().catch((error: unknown) => error as Error & { code: string });
  expect(error).toMatchObject({
    code: "sandbox_credentials",
    message: expect.stringContaining("MODAL_TOKEN_ID and MODAL_TOKEN_SECRET"),
  });
  expect(String(error)).not.toContain(options.tokenSecret);
  expect(calls).toEqual(["/modal.client.ModalClient/AuthTokenGet ak-test"]);
  await expect(create({ tokenId: "" })).rejects.toMatchObject({ code: "sandbox_credentials" });
});

test("no network, or a Modal that does not answer: said within the deadline", async () => {
  const free = createServer().listen(0, "127.0.0.1");
  await once(free, "listening");
  const { port } = free.address() as AddressInfo;
  free.close();
  process.env["MODAL_SERVER_URL"] = `http://127.0.0.1:${port}`;
  await expect(create()).rejects.toMatchObject({ code: "sandbox_unavailable" });
  await grpcServer(null);
  await expect(create({ requestTimeoutMs: 200 })).rejects.toMatchObject({
    code: "sandbox_unavailable",
    message: expect.stringContaining("200 ms"),
  });
  await expect(create({}, AbortSignal.timeout(50))).rejects.toMatchObject({ name: "TimeoutError" });
});

test("a package that is missing, or the unrelated one of the same name: the install command", async () => {
  const error = { code: "missing_dependency", message: expect.stringContaining("npm install modal@0.11.1") };
  await expect(create({ sdk: () => Promise.reject(new Error("Cannot find package 'modal'")) })).rejects.toMatchObject(
    error,
  );
  await expect(create({ sdk: () => Promise.resolve({ default: () => undefined } as never) })).rejects.toMatchObject(
    error,
  );
});

test("nothing of it crashes a process or keeps it from ending; only what needs Modal fails without it", async () => {
  const provider = modalSandbox({ ...options, requestTimeoutMs: 5000 });
  await expect(provider.list({ deployment: "test" })).rejects.toMatchObject({ code: "sandbox_unavailable" });
  await expect(provider.attach({ provider: "modal", id: "sb-1", moveAfter: 0 })).rejects.toMatchObject({
    code: "sandbox_unavailable",
  });
  await expect(provider.attach({ provider: "local" })).rejects.toMatchObject({ code: "internal" });
  expect(provider.probe).toBeUndefined();
  await provider.close!();
  const script = `import { modalSandbox } from ${JSON.stringify(join(import.meta.dirname, "index.ts"))};
    const provider = modalSandbox({ tokenId: "a", tokenSecret: "b", appName: "c", requestTimeoutMs: 5000 });
    await provider.list({ deployment: "test" }).catch((error) => console.log(error.code));
    await provider.close();`;
  const done = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
    timeout: 60_000,
  });
  expect([done.status, done.stdout, done.stderr]).toEqual([0, "sandbox_unavailable\n", ""]);
});

test("options that cannot be are refused at once, by name", () => {
  for (const [wrong, field] of [
    [{ timeoutMs: 25 * 60 * 60 * 1000 }, "timeoutMs"],
    [{ timeoutMs: 1500 }, "timeoutMs"],
    [{ idleTimeoutMs: 0 }, "idleTimeoutMs"],
    [{ cpu: -1 }, "cpu"],
    [{ memoryMiB: 0.5 }, "memoryMiB"],
    [{ appName: "" }, "appName"],
    [{ allowedHosts: ["https://example.com/x"] }, "allowedHosts"],
  ] as const) {
    expect(() => modalSandbox({ ...options, ...wrong })).toThrow(
      expect.objectContaining({ code: "invalid_configuration", message: expect.stringContaining(field) }),
    );
  }
});
