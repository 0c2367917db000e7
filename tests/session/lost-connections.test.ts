import { postgresPersistence } from "@hhopkins/agent-runtime/persistence/postgres";
import { expect, onTestFinished, test } from "vitest";
import { bash, prompt } from "../testing/prompts.ts";
import { errors, said, startRuntime } from "../testing/runtime-under-test.ts";
import { logOf, turnEnds } from "../testing/session-log.ts";
import { testDatabase } from "../testing/test-database.ts";

const WORDS = Array.from({ length: 800 }, (_unused, index) => `word${index} `).join("");
const LOSSES = 12;
const END = `select pg_terminate_backend(pid) from pg_stat_activity
  where datname = current_database() and application_name = 'agent-runtime'`;

test("a database that ends every connection, again and again amid a turn: nothing is lost, nothing is doubled", async () => {
  const database = await testDatabase("postgres");
  if (typeof database === "string") throw new Error(database);
  onTestFinished(async () => database[Symbol.asyncDispose]());
  const persistence = postgresPersistence({ connectionString: database.url() });
  const bench = await startRuntime({ persistence });
  onTestFinished(async () => {
    await bench[Symbol.asyncDispose]();
    await bench.model.close();
  });
  const id = await bench.create();
  const steps = [{ tools: [bash("printf kept > notes.txt")] }, { text: WORDS, chunk: 10, delayMs: 10 }];
  const sent = await bench.send(id, prompt("talk", ...steps));
  expect(sent.status).toBe(202);
  let { lastSeq } = await bench.until(id, (state) => said(state).join("").includes("word9"));
  for (let losses = 0; losses < LOSSES; losses += 1) {
    await database.query(END);
    const state = await bench.until(id, ({ lastSeq: seq, turn }) => seq > lastSeq + 2 || turn === null);
    expect(state.turn, `lost ${losses} times when the turn was over`).not.toBeNull();
    ({ lastSeq } = state);
  }
  const end = await bench.until(id, (state) => state.turn === null);
  expect(said(end).join("")).toContain(WORDS.trim());
  expect(errors(end)).toEqual([]);
  const events = await logOf(bench, id);
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_event, index) => index + 1));
  expect(await turnEnds(bench, id)).toEqual(["completed"]);
  // And it goes on.
  const next = await bench.turn(id, prompt("again", { text: "still here" }));
  expect(said(next).at(-1)).toBe("still here");
});
