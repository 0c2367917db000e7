import { RuntimeError } from "@hhopkins/agent-runtime-protocol";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, test } from "vitest";
import { createAttachments } from "./attachments.ts";
import { temporaryFolder } from "./testing/temporary-folder.ts";

const BYTES = Buffer.from("0123456789");
const sha256 = createHash("sha256").update(BYTES).digest("hex");
const FILE = { name: "a.txt", mediaType: "text/plain", size: BYTES.length, sha256 };

const folders: ReturnType<typeof temporaryFolder>[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) folder.remove();
});

function attached() {
  const made = temporaryFolder();
  folders.push(made);
  const root = made.path;
  const [folder, workspace] = [join(root, "waiting"), join(root, "workspace")];
  mkdirSync(workspace);
  const attachments = createAttachments({ folder, workspace });
  const put = (from: number, to: number): void => {
    const data = BYTES.subarray(from, to).toString("base64");
    attachments.put({ kind: "attachment:put", sha256, offset: from, total: BYTES.length, data });
  };
  const layOut = (...paths: (string | undefined)[]) =>
    attachments.layOut({
      messageId: "m",
      content: "look",
      attachments: paths.map((path) => ({ ...FILE, ...(path === undefined ? {} : { path }) })),
    });
  return { root, folder, workspace, attachments, put, layOut };
}

const failure = (laidOut: Promise<unknown>): Promise<string> =>
  laidOut.then(
    () => "laid out",
    (error: unknown) => (error instanceof RuntimeError ? `${error.code} ${error.message}` : String(error)),
  );

test("bytes that come twice at a time, in any order, are whole; when a turn has ended they are gone", async () => {
  const { put, layOut, workspace, attachments, folder } = attached();
  put(0, 4);
  put(4, 8);
  put(0, 4);
  put(8, 10);
  put(4, 8);
  const message = await layOut("attachments/m/a.txt", undefined);
  expect(message.media).toEqual([{ name: "a.txt", mediaType: "text/plain", data: BYTES }]);
  expect(message.files).toEqual([{ path: "attachments/m/a.txt", mediaType: "text/plain", size: 10 }]);
  expect(readFileSync(join(workspace, "attachments/m/a.txt"))).toEqual(BYTES);
  expect(readdirSync(folder)).toEqual([sha256]);
  attachments.clear();
  expect(await failure(layOut(undefined))).toContain("attachment_failed");
});

test("bytes that are not whole are not given to anybody", async () => {
  const { put, layOut, workspace } = attached();
  put(0, 4);
  put(8, 10);
  expect(await failure(layOut("a.txt"))).toContain("attachment_failed The attachment a.txt could not be given");
  expect(await failure(layOut(undefined))).toContain("its bytes did not come whole");
  expect(readdirSync(workspace)).toEqual([]);
});

test("what lies there is left as it is; what stands in the way is said", async () => {
  const { put, layOut, workspace, root } = attached();
  put(0, 10);
  writeFileSync(join(workspace, "mine.txt"), "mine");
  await layOut("mine.txt");
  expect(readFileSync(join(workspace, "mine.txt"), "utf8")).toBe("mine");
  writeFileSync(join(workspace, "file"), "");
  expect(await failure(layOut("file/a.txt"))).toMatch(/file\/a\.txt cannot be written \(E(NOTDIR|EXIST)\)/);
  symlinkSync(join(root, "elsewhere"), join(workspace, "link"));
  expect(await failure(layOut("link"))).toContain("link cannot be written (EEXIST)");
});
