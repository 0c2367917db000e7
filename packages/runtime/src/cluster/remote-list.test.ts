import type { SessionListItem } from "@hhopkins/agent-runtime-protocol";
import { expect, test, vi } from "vitest";
import { ListWatch } from "../log/list-watch.ts";
import { consoleLogger } from "../logger.ts";
import type { NodeNotes, NoteListener } from "./node-notes.ts";
import type { Note } from "./note.ts";
import { RemoteList, type ListedSession } from "./remote-list.ts";

/** A list that is watched here, and notes that other nodes write. */
function play(listed: ListedSession) {
  const seen: string[] = [];
  const watch = new ListWatch();
  watch.watch("t", (change) =>
    seen.push(change.event === "sessions:removed" ? `${change.sessionId} gone` : (change.session.name ?? "?")),
  );
  const listeners = new Set<NoteListener>();
  const notes = { listen: (one: NoteListener) => (listeners.add(one), () => listeners.delete(one)) } as unknown;
  new RemoteList({ notes: notes as NodeNotes, watch, listed, log: consoleLogger }).start();
  const hear = (note: Pick<Note, "is"> & { item?: SessionListItem }, id = "s"): void => {
    for (const listener of listeners) listener.note({ ...note, from: "b", key: ["t", id] } as Note);
  };
  return { seen, hear };
}

function item(name: string): SessionListItem {
  const runtime = { isLoaded: false, sandbox: null };
  return {
    sessionId: "s",
    type: "t",
    agentProfileReference: "p",
    createdAt: "2026-01-01T00:00:00.000Z",
    name,
    runtime,
  };
}

test("what is told of a session comes in the order in which it was told: who is gone stays so", async () => {
  const read = Promise.withResolvers<SessionListItem>();
  const { seen, hear } = play(() => read.promise);
  hear({ is: "listed", item: item("told") });
  hear({ is: "listed" });
  hear({ is: "gone" });
  hear({ is: "gone" }, "other");
  await vi.waitFor(() => expect(seen).toEqual(expect.arrayContaining(["told", "other gone"])));
  read.resolve(item("read"));
  await vi.waitFor(() => expect(seen).toHaveLength(4));
  expect(seen.filter((one) => one !== "other gone")).toEqual(["told", "read", "s gone"]);
});

test("what cannot be read is left out, and what follows is told", async () => {
  const { seen, hear } = play(() => Promise.reject(new Error("no such session")));
  hear({ is: "listed" });
  hear({ is: "listed", item: item("told") });
  await vi.waitFor(() => expect(seen).toEqual(["told"]));
});
