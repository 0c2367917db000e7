import { expect, test } from "vitest";
import { MemorySessions } from "../testing/memory-sessions.ts";
import { KEY, twoTenants } from "../testing/serving.ts";
import { createRestApp } from "./app.ts";

function served() {
  const sessions = new MemorySessions();
  const app = createRestApp({ service: sessions, authenticate: twoTenants });
  const list = async (query: Record<string, string>) => {
    const url = `http://x/sessions?${new URLSearchParams(query).toString()}`;
    return await app.fetch(new Request(url, { headers: { "x-api-key": KEY } }));
  };
  return { sessions, list };
}

test("order and filters of the list", async () => {
  const { sessions, list } = served();
  const filter = {
    type: "t",
    agentProfileReference: "p",
    createdFrom: "2026-11-22T08:00:00Z",
    createdBefore: "2026-11-23T08:00:00.5Z",
    activeFrom: "2026-11-24T08:00:00Z",
    activeBefore: "2026-11-25T08:00:00Z",
  };
  expect((await list({ ...filter, order: "created", isLoaded: "false" })).status).toBe(200);
  const asked = JSON.parse(sessions.calls.at(-1)!.slice("list ".length)) as object;
  expect(asked).toEqual({ order: "created", filter: { ...filter, isLoaded: false } });
});

test.each([
  ["order", "name"],
  ["type", ""],
  ["agentProfileReference", "x".repeat(201)],
  ["isLoaded", "yes"],
  ["createdFrom", "yesterday"],
  ["createdBefore", "2026-11-22"],
  ["activeFrom", "2026-11-22T08:00:00+01:00"],
  ["activeBefore", "1"],
  ["activeBefore", "2026-99-99T08:00:00Z"],
  ["orderBy", "activity"],
])("a list with %s=%s is refused, and the field is named", async (name, value) => {
  const { list } = served();
  const answer = await list({ [name]: value });
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ error: "invalid_request", field: `query.${name}` });
});
