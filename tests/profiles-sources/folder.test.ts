import { profileFolder } from "@hhopkins/agent-runtime";
import { script } from "@hhopkins/agent-runtime-testkit";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startRuntime, type RuntimeUnderTest } from "../testing/runtime-under-test.ts";

const FILES: Record<string, string> = {
  "plain/CLAUDE.md": "The memory says PARSNIP.",
  "plain/.claude/skills/counting/SKILL.md": "---\nname: counting\ndescription: Counts TURNIPS\n---\nCount.",
  "plain/.claude/agents/finder.md": "---\nname: finder\ndescription: Finds SWEDES\n---\nFind.",
  "plain/.claude/commands/garden/fix.md": "---\ndescription: Fixes\n---\nMend the fence $1 with $2.",
  "plugin/.claude-plugin/plugin.json": JSON.stringify({ name: "plugin", description: "Of Claude Code" }),
  "plugin/skills/planting/SKILL.md": "---\nname: planting\ndescription: Plants LEEKS\n---\nPlant.",
  "plugin/.mcp.json": JSON.stringify({
    mcpServers: {
      notes: { command: "node", args: ["${CLAUDE_PLUGIN_ROOT}/mcp/server.mjs", "count"], env: { SETTING: "it's set" } },
    },
  }),
};

let folder: string;
let server: RuntimeUnderTest;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "agent-runtime-folder-"));
  for (const [path, text] of Object.entries(FILES)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const counting = join(import.meta.dirname, "../profiles/counting-server.mjs");
  cpSync(counting, join(folder, "plugin/mcp/server.mjs"));
  server = await startRuntime({ profiles: profileFolder(folder) });
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

function asked(marker: string): string {
  const bodies = server.model.requests.map(({ body }) => JSON.stringify(body ?? null));
  return bodies.findLast((body) => body.includes(marker)) ?? "nothing";
}

test("what lies in a folder reaches the agent: memory, skill, subagent, command", async () => {
  const sessionId = await server.create({ agentProfileRef: "plain" });
  await server.turn(sessionId, "/garden:fix north marker-of-the-folder");
  const request = asked("marker-of-the-folder");
  expect(request).toContain("Mend the fence north with marker-of-the-folder.");
  for (const word of ["PARSNIP", "TURNIPS", "SWEDES"]) expect(request).toContain(word);
});

test("a plugin's skill is offered, and its MCP server runs in the sandbox", async () => {
  const sessionId = await server.create({ agentProfileRef: "plugin" });
  const steps = [{ tools: [{ name: "mcp__notes__count", input: {} }] }, { text: "done" }];
  const state = await server.turn(sessionId, `marker-of-the-plugin ${script(steps)}`);
  expect(asked("marker-of-the-plugin")).toContain("LEEKS");
  const results = state.blocks.filter((block) => block.type === "tool_result");
  expect(JSON.stringify(results)).toContain("it's set");
  expect(JSON.stringify(results)).toContain("/projects/notes");
});
