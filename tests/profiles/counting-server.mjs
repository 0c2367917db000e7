// An MCP server on standard input and output, without packages: it counts its calls, or misbehaves as its first argument says.
import { createInterface } from "node:readline";

const [mode = "count"] = process.argv.slice(2);
let calls = 0;
const send = (message) => console.log(JSON.stringify({ jsonrpc: "2.0", ...message }));
const tool = { name: "count", description: `COUNTS calls, ${mode}`, inputSchema: { type: "object", properties: {} } };

/** What the host of its secret says, which is asked with what it has in the secret's place. */
async function asked() {
  const { AGENT_RUNTIME_HOSTS_URL, PLACE, KEY } = process.env;
  const answer = await fetch(`${AGENT_RUNTIME_HOSTS_URL}/${PLACE}/asked`, { headers: { "x-key": KEY } });
  return { status: answer.status, text: await answer.text() };
}

async function call() {
  calls += 1;
  if (mode === "asking") return asked();
  if (mode === "mortal") {
    console.error("out of breath");
    process.exit(7);
  }
  const { KEY, SETTING, REGION, AGENT_RUNTIME_HOSTS_URL } = process.env;
  return { calls, cwd: process.cwd(), KEY, SETTING, REGION, hosts: AGENT_RUNTIME_HOSTS_URL !== undefined };
}

async function answer({ id, method, params }) {
  if (id === undefined) return;
  if (method === "initialize") {
    const serverInfo = { name: "counting", version: "1.0.0" };
    send({ id, result: { protocolVersion: params.protocolVersion, capabilities: { tools: {} }, serverInfo } });
  } else if (method === "tools/list") send({ id, result: { tools: [tool] } });
  else if (method === "tools/call" && mode === "mute") console.error("I say no more");
  else if (method === "tools/call")
    send({ id, result: { content: [{ type: "text", text: JSON.stringify(await call()) }] } });
  else send({ id, error: { code: -32601, message: "not known" } });
}

console.error(`the server speaks: ${mode}`);
if (mode === "garbage") console.log("Welcome! This is no protocol.");
else createInterface({ input: process.stdin }).on("line", (line) => void answer(JSON.parse(line)));
setInterval(() => undefined, 1 << 30);
process.stdin.on("end", () => process.exit(0));
