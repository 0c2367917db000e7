import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { chmodSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { dockerScene } from "./docker/testing/scene.ts";
import { localScene } from "./local/testing/scene.ts";
import { whyNotAs } from "./local/testing/as-user.ts";
import type { SandboxProvider } from "./port.ts";
import { listenInside } from "./testing/inside.ts";

const local = localScene();
const docker = await dockerScene();
afterAll(local.end);
afterAll(docker.end);

describe.each([
  { name: "local", scene: local, missing: null },
  { name: "docker", scene: docker, missing: docker.missing },
])("a server with a data directory of its own, $name", ({ name, scene, missing }) => {
  const other = (): SandboxProvider => {
    const dataDir = join(scene.scratch, "other");
    mkdirSync(dataDir, { recursive: true });
    return scene.provider({ dataDir });
  };

  test("attaches to a sandbox whose server still holds it, and keeps it when that one lets go and starts again", async ({
    skip,
  }) => {
    if (missing !== null) return skip(missing);
    const first = scene.provider();
    const made = await scene.create("moves", { from: first });
    const lost = await made.accept("gateway", () => undefined);
    const next = other();
    expect(next.place).toBe(first.place);
    expect(next.place).toMatch(new RegExp(`^${name}:`));
    const attached = (await next.attach(made.ref))!;
    expect(attached.ref).toEqual(made.ref);
    const inside = await listenInside(attached);
    expect(await inside.shell("echo here > /workspace/a; cat /workspace/a")).toBe("here\n");
    // It wakes, and lets go of what it has.
    await lost.close();
    await made.release();
    await first.close!();
    expect(await inside.shell("cat /workspace/a")).toBe("here\n");
    expect((await attached.readFile("/workspace/a")).toString()).toBe("here\n");
    const again = scene.provider({ keepDeadMs: 0 });
    expect((await again.list({ deployment: "test" })).map(({ tags }) => tags.session)).toContain("moves");
    expect(await next.list({ deployment: "test" })).toEqual([]);
    expect(await inside.shell("cat /workspace/a")).toBe("here\n");
    await attached.terminate();
    expect([existsSync(scene.rootOf("moves")), existsSync(String(made.ref["sockets"]))]).toEqual([false, false]);
    expect([await again.attach(made.ref), await next.attach(made.ref)]).toEqual([null, null]);
    expect(await again.list({ deployment: "test" })).toEqual([]);
  });

  test("tells the end of a sandbox from another's folder, and removes what is left there", async ({ skip }) => {
    if (missing !== null) return skip(missing);
    const made = await scene.create("ends", { from: scene.provider() });
    await made.release();
    const attached = (await other().attach(made.ref))!;
    const inside = await listenInside(attached);
    inside.run("process.exit(7)").catch(() => undefined);
    expect((await attached.ended).reason).toContain("exit code 7");
    await attached.terminate();
    expect(existsSync(scene.rootOf("ends"))).toBe(false);
  });
});

test("a folder of another user is told with the remedy, and is not taken for gone", async ({ skip }) => {
  const why = whyNotAs("ordinary user");
  if (why !== null) return skip(why);
  const folder = join(local.scratch, "theirs", "sandboxes");
  mkdirSync(folder, { recursive: true });
  chmodSync(folder, 0o000);
  const module = JSON.stringify(join(import.meta.dirname, "host-record.ts"));
  const asked = `readRecord(${JSON.stringify(join(local.scratch, "theirs"))}, "one")`;
  const program = `const { readRecord } = await import(${module});
    console.log(JSON.stringify(await ${asked}.catch(({ code, message }) => ({ code, message }))));`;
  const user = process.getuid?.() === 0 ? { uid: 54_321, gid: 54_321 } : {};
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--no-warnings", "--input-type=module", "-e", program],
    {
      ...user,
      cwd: "/",
    },
  );
  chmodSync(folder, 0o700);
  expect(JSON.parse(stdout)).toEqual({
    code: "sandbox_unavailable",
    message: expect.stringContaining("as the same user"),
  });
});
