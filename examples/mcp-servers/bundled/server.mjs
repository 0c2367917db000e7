// An MCP server on standard input and output, without packages: it keeps notes for as long as it runs.
import { createInterface } from "node:readline";

const notes = [];
const inputSchema = { type: "object", properties: { text: { type: "string" } }, required: ["text"] };
const tools = [{ name: "add", description: "Keeps a note", inputSchema }];

const methods = {
  initialize: ({ protocolVersion }) => ({
    protocolVersion,
    capabilities: { tools: {} },
    serverInfo: { name: "notes", version: "1.0.0" },
  }),
  "tools/list": () => ({ tools }),
  "tools/call": ({ arguments: { text } }) => ({
    content: [{ type: "text", text: `${notes.push(text)} notes are kept in ${process.argv[2]}` }],
  }),
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return;
  const error = { code: -32601, message: "not known" };
  const answer = method in methods ? { result: methods[method](params) } : { error };
  console.log(JSON.stringify({ jsonrpc: "2.0", id, ...answer }));
});
