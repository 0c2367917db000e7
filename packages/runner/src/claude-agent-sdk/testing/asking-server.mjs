// An MCP server on standard input and output, without packages: its tool asks the person, and says what was answered.
import { createInterface } from "node:readline";

const send = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`);
const tool = { name: "book", description: "BOOKS", inputSchema: { type: "object", properties: {} } };
const requestedSchema = { type: "object", properties: { seats: { type: "number" } }, required: ["seats"] };
/** The calls that wait, by the id of what was asked. */
const waiting = new Map();

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params, result } = JSON.parse(line);
  if (method === undefined) {
    send({ id: waiting.get(id), result: { content: [{ type: "text", text: JSON.stringify(result) }] } });
  } else if (method === "initialize") {
    const about = { protocolVersion: params.protocolVersion, serverInfo: { name: "asking", version: "1.0.0" } };
    send({ id, result: { ...about, capabilities: { tools: {} } } });
  } else if (method === "tools/list") send({ id, result: { tools: [tool] } });
  else if (method === "tools/call") {
    waiting.set(`ask-${id}`, id);
    send({ id: `ask-${id}`, method: "elicitation/create", params: { message: "How many seats?", requestedSchema } });
  }
});
process.stdin.on("end", () => process.exit(0));
