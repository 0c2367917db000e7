import { randomUUID } from "node:crypto";
import { expect, test } from "vitest";
import { testSpec } from "../testing/inside.ts";
import { modalSandbox } from "./index.ts";

/** The one test that leaves this machine, and only where somebody has given it an account. It costs a few cents. */
test(
  "smoke: a sandbox in Modal's real cloud starts, runs a program, and ends",
  { timeout: 900_000 },
  async (context) => {
    const { MODAL_TOKEN_ID: tokenId = "", MODAL_TOKEN_SECRET: tokenSecret = "" } = process.env;
    if (tokenId === "" || tokenSecret === "") {
      return context.skip("MODAL_TOKEN_ID and MODAL_TOKEN_SECRET are not set: Modal's real cloud was not asked");
    }
    const provider = modalSandbox({ tokenId, tokenSecret, appName: "agent-runtime-smoke", timeoutMs: 600_000 });
    const spec = testSpec(`smoke-${randomUUID()}`);
    const sandbox = await provider.create(spec, { signal: AbortSignal.timeout(800_000), onProgress: console.log });
    try {
      const program = await sandbox.exec(["node", "--version"]);
      program.stdin.end();
      const chunks: Buffer[] = [];
      for await (const chunk of program.stdout as AsyncIterable<Buffer>) chunks.push(chunk);
      expect(Buffer.concat(chunks).toString()).toMatch(/^v\d+/);
      expect((await provider.attach(sandbox.ref))?.id).toBe(sandbox.id);
    } finally {
      await sandbox.terminate();
      await provider.close?.();
    }
  },
);
