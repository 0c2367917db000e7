import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bash, prompt } from "../testing/prompts.ts";
import { said, startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";
import { logOf } from "../testing/session-log.ts";
import type { FileEntry, SessionState } from "@hhopkins/agent-runtime";

const MAX_FILE_BYTES = 200_000;
const SECRET = "the-secret-of-the-host-8d1f";

let bench: RuntimeUnderTest;
let outside: string;
beforeAll(async () => {
  bench = await startRuntime({ maxFileBytes: MAX_FILE_BYTES });
  outside = await mkdtemp(join(tmpdir(), "agent-runtime-outside-"));
  await writeFile(join(outside, "secret.txt"), SECRET);
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await rm(outside, { recursive: true, force: true });
});

/** One turn that runs a command in the workspace. */
async function run(id: string, command: string): Promise<SessionState> {
  const state = await bench.turn(id, prompt("run", { tools: [bash(command)] }, { text: "done" }));
  expect(said(state).at(-1)).toBe("done");
  expect(state.blocks.findLast(({ type }) => type === "tool_use")).toMatchObject({ status: "success" });
  return state;
}

const encoded = (path: string): string => path.split("/").map(encodeURIComponent).join("/");
const get = (id: string, path: string): Promise<Response> =>
  bench.request("GET", `/sessions/${id}/files/${encoded(path)}`);
const bytesOf = async (response: Response): Promise<string> =>
  Buffer.from(await response.arrayBuffer()).toString("latin1");
const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");
const inState = (state: SessionState, path: string) => state.workspaceFiles.find((file) => file.path === path);

async function listed(id: string): Promise<Map<string, FileEntry>> {
  const { files } = (await (await bench.request("GET", `/sessions/${id}/files`)).json()) as { files: FileEntry[] };
  return new Map(files.map((file) => [file.path, file]));
}

async function fileEvents(id: string): Promise<string[]> {
  return (await logOf(bench, id)).flatMap((event) => {
    if (event.type === "session:file:created" || event.type === "session:file:modified") {
      return [`${event.type.slice("session:file:".length)} ${event.data.file.path}`];
    }
    return event.type === "session:file:deleted" ? [`deleted ${event.data.path}`] : [];
  });
}

describe("what an agent does to its workspace", () => {
  test("created, modified and deleted are told once each, with content; a touch is no news", async () => {
    const id = await bench.create();
    await run(id, "printf one > a.txt; mkdir sub; printf two > sub/b.txt");
    const changed = await run(id, "printf changed > a.txt; rm -r sub; touch -d '2001-01-01' a.txt");
    expect(await fileEvents(id)).toEqual([
      expect.stringMatching(/^created (a.txt|sub\/b.txt)$/),
      expect.stringMatching(/^created (a.txt|sub\/b.txt)$/),
      expect.stringMatching(/^(modified a.txt|deleted sub\/b.txt)$/),
      expect.stringMatching(/^(modified a.txt|deleted sub\/b.txt)$/),
    ]);
    expect(changed.workspaceFiles).toMatchObject([
      { path: "a.txt", content: "changed", size: 7, sha256: sha256("changed") },
    ]);
    expect((await get(id, "sub/b.txt")).status).toBe(404);
    const before = changed.workspaceFiles;
    expect((await run(id, "cat a.txt > /dev/null")).workspaceFiles).toEqual(before);
  });

  test("files that are binary, empty, not UTF-8 or large come as they are, truncated only in the state", async () => {
    const id = await bench.create();
    const state = await run(
      id,
      [
        "printf '\\x00\\x01\\xff\\xfe' > binary",
        ": > empty",
        "printf 'caf\\xe9\\n' > latin1.txt",
        "printf 'caf\\xc3\\xa9\\n' > utf8.txt",
        `head -c ${MAX_FILE_BYTES} /dev/zero | tr '\\0' x > large.txt`,
        `head -c ${MAX_FILE_BYTES + 1} /dev/zero | tr '\\0' y > huge.txt`,
      ].join("; "),
    );
    const files = await listed(id);
    const cases: [string, string][] = [
      ["binary", "\u0000\u0001\u00ff\u00fe"],
      ["latin1.txt", "caf\u00e9\n"],
      ["large.txt", "x".repeat(MAX_FILE_BYTES)],
    ];
    for (const [path, bytes] of cases) {
      const raw = Buffer.from(bytes, "latin1");
      const known = { size: raw.length, sha256: sha256(raw) };
      expect(inState(state, path)).toMatchObject({ ...known, truncated: true });
      expect(inState(state, path)).not.toHaveProperty("content");
      expect(files.get(path)).toMatchObject(known);
      const response = await get(id, path);
      expect([response.status, (await bytesOf(response)) === bytes]).toEqual([200, true]);
    }
    expect(inState(state, "utf8.txt")).toMatchObject({ content: "café\n", size: 6 });
    expect(inState(state, "empty")).toMatchObject({ content: "", size: 0 });
    const empty = await get(id, "empty");
    expect([empty.status, await empty.text()]).toEqual([200, ""]);

    expect(inState(state, "huge.txt")).toMatchObject({ size: MAX_FILE_BYTES + 1, truncated: true });
    expect(files.get("huge.txt")).toMatchObject({ size: MAX_FILE_BYTES + 1 });
    const huge = await get(id, "huge.txt");
    expect([huge.status, await huge.json()]).toEqual([
      404,
      expect.objectContaining({ error: "file_not_found", detail: expect.stringContaining("larger") }),
    ]);
  });

  test("names with spaces, emoji, quotes and line ends are names; what no path can say is told and skipped", async () => {
    const id = await bench.create();
    const names = [
      "with space.txt",
      "😀 ünïcode.txt",
      `quo'te "double".txt`,
      "new\nline.txt",
      "%2e%2e",
      "a?b#c&d=e.txt",
      "-rf",
      " lead and trail ",
    ];
    await bench.turn(
      id,
      prompt("make", { tools: names.map((name) => bash(`printf %s ok > ./${shellQuoted(name)}`)) }, { text: "made" }),
    );
    const state = await run(id, "printf x > 'back\\slash.txt'; printf x > $'not-utf8-\\xff'");
    expect(state.workspaceFiles.map(({ path }) => path).toSorted()).toEqual(names.toSorted());
    for (const name of names) {
      const response = await get(id, name);
      expect([name, response.status, await response.text()]).toEqual([name, 200, "ok"]);
    }
    const notes = state.blocks.flatMap((block) => (block.type === "system" ? [block.content] : []));
    expect(notes).toEqual([expect.stringMatching(/^2 entries .* not kept/)]);
    // They come back as they are.
    expect((await bench.request("POST", `/sessions/${id}/unload`)).status).toBe(204);
    const back = await run(id, "ls | wc -l");
    expect(back.blocks.findLast(({ type }) => type === "tool_result")).toMatchObject({
      content: String(names.length + 1),
    });
    expect(back.workspaceFiles).toEqual(state.workspaceFiles);
  });

  test("a link out of the workspace is a text: its target is never read, wherever it leads", async () => {
    const id = await bench.create();
    const state = await run(
      id,
      [
        `ln -s ${outside}/secret.txt absolute`,
        `ln -s ${outside} folder`,
        "ln -s ../../../../../../../../etc/passwd climbing",
        "ln -s /etc/hostname inside-the-sandbox",
        "ln -s missing dangling",
        "mkdir real; printf inner > real/file.txt; ln -s real linked",
        "ln -s loop loop",
      ].join("; "),
    );
    const links = {
      absolute: `${outside}/secret.txt`,
      folder: outside,
      climbing: "../../../../../../../../etc/passwd",
      "inside-the-sandbox": "/etc/hostname",
      dangling: "missing",
      linked: "real",
      loop: "loop",
    };
    const files = await listed(id);
    for (const [path, target] of Object.entries(links)) {
      expect(files.get(path)).toMatchObject({ path, type: "symlink", target });
      expect(inState(state, path)).toMatchObject({ type: "symlink", target });
      expect((await get(id, path)).status).toBe(404);
    }
    for (const path of ["folder/secret.txt", "linked/file.txt"]) expect((await get(id, path)).status).toBe(404);
    expect(await (await get(id, "real/file.txt")).text()).toBe("inner");
    const everything = JSON.stringify([await logOf(bench, id), await bench.state(id), [...files]]);
    expect(everything).not.toContain(SECRET);
    expect(everything).not.toContain("root:x:0");
    expect([...files.keys()].toSorted()).toEqual([...Object.keys(links), "real/file.txt"].toSorted());
  });

  test("three hundred files at once: their contents are left out, their bytes are served", async () => {
    const id = await bench.create();
    // Written where nobody looks, and there at once.
    const state = await run(
      id,
      'mkdir -p .cache/many; for n in $(seq 300); do printf "file $n" > .cache/many/$n.txt; done; mv .cache/many many',
    );
    expect(state.workspaceFiles).toHaveLength(300);
    expect((await listed(id)).size).toBe(300);
    for (const n of [1, 150, 300]) {
      expect(inState(state, `many/${n}.txt`)).toMatchObject({ sha256: sha256(`file ${n}`) });
      expect(await (await get(id, `many/${n}.txt`)).text()).toBe(`file ${n}`);
    }
    const created = (await logOf(bench, id)).flatMap((event) =>
      event.type === "session:file:created" ? [event.data.file] : [],
    );
    expect(created).toHaveLength(300);
    expect(created.some(({ truncated }) => truncated === true)).toBe(true);
  });

  test(".git and node_modules are not kept, at any depth; files beside them are", async () => {
    const id = await bench.create();
    const state = await run(
      id,
      "mkdir -p .git/objects node_modules/x deep/node_modules/y; touch .git/HEAD node_modules/x/i.js deep/node_modules/y/i.js deep/kept.js .gitignore",
    );
    expect(state.workspaceFiles.map(({ path }) => path).toSorted()).toEqual([".gitignore", "deep/kept.js"]);
  });

  test("the mode of a file is kept through an unload", async () => {
    const id = await bench.create({
      defaultWorkspaceFiles: [{ path: "given.sh", content: "#!/bin/sh\necho given\n", mode: 0o755 }],
    });
    await run(
      id,
      "./given.sh && printf '#!/bin/sh\\necho made\\n' > made.sh && chmod 750 made.sh && printf x > plain && chmod 600 plain",
    );
    const files = await listed(id);
    expect(["given.sh", "made.sh", "plain"].map((path) => files.get(path)?.mode)).toEqual([0o755, 0o750, 0o600]);
    await bench.request("POST", `/sessions/${id}/unload`);
    const state = await run(id, "./made.sh; stat -c %a given.sh made.sh plain");
    expect(state.blocks.findLast(({ type }) => type === "tool_result")).toMatchObject({
      content: "made\n755\n750\n600",
    });
  });
});

describe("paths that climb out", () => {
  test.each([
    "..",
    "../secret.txt",
    "a/../../secret.txt",
    "%2e%2e/secret.txt",
    "%2e%2e%2fsecret.txt",
    "..%2f..%2f..%2fetc%2fpasswd",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "a%00b",
    "..%5c..%5cx",
    "%ff",
    "a//b",
  ])("GET files/%s is refused", async (path) => {
    const id = await bench.create({ defaultWorkspaceFiles: [{ path: "here.txt", content: "here" }] });
    const response = await bench.request("GET", `/sessions/${id}/files/${path}`);
    expect(response.status).toBeGreaterThanOrEqual(400);
    expect(response.status).toBeLessThan(500);
    expect(await response.text()).not.toContain("root:x:0");
  });

  test.each([
    [{ path: "../out", content: "" }],
    [{ path: "/etc/passwd", content: "" }],
    [{ path: "a/../../b", content: "" }],
    [{ path: "a\\b", content: "" }],
    [{ path: "a\u0000b", content: "" }],
    [{ path: "", content: "" }],
    [{ path: "a/", content: "" }],
    [{ path: "./a", content: "" }],
    [{ path: "x", content: "not base64!", encoding: "base64" }],
    [{ path: "x", content: "", mode: 0o4755 }],
    [{ path: "x", content: "", unknown: 1 }],
  ])("a session with the file %j is refused, and none is made", async (file) => {
    const before = await bench.request("GET", "/sessions?limit=100").then((response) => response.text());
    const response = await bench.request("POST", "/sessions/create", {
      agentProfileRef: "default",
      architecture: "claude-agent-sdk",
      defaultWorkspaceFiles: [{ path: "fine.txt", content: "fine" }, file],
    });
    expect([response.status, await response.json()]).toEqual([
      400,
      expect.objectContaining({ error: "invalid_request", field: expect.stringContaining("defaultWorkspaceFiles") }),
    ]);
    expect(await bench.request("GET", "/sessions?limit=100").then((answer) => answer.text())).toBe(before);
  });

  test.each([[["same.txt", "same.txt"]], [["a", "a/b"]]])(
    "two files that exclude each other (%j) are refused",
    async (paths) => {
      const response = await bench.request("POST", "/sessions/create", {
        agentProfileRef: "default",
        architecture: "claude-agent-sdk",
        defaultWorkspaceFiles: paths.map((path, index) => ({ path, content: String(index) })),
      });
      expect([response.status, await response.json()]).toEqual([
        400,
        expect.objectContaining({ error: "invalid_request" }),
      ]);
    },
  );
});

/** A word of bash, whatever is in it. */
function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
