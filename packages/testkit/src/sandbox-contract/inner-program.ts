/**
 * Stands in for the runner: dials the server, again and again, and does what it is told, one JSON line a command: { js }
 * is evaluated as the body of an async function and its value sent back. `load` imports; `state` lives as long as it.
 */
export const INNER_PROGRAM = `
import { createConnection } from "node:net";
import { createInterface } from "node:readline";

const AsyncFunction = (async () => undefined).constructor;
const state = {};

function dial() {
  const socket = createConnection(process.env.AGENT_RUNTIME_SOCKETS + "/runner.sock");
  socket.on("error", () => undefined);
  socket.on("close", () => setTimeout(dial, 20));
  const lines = createInterface({ input: socket });
  lines.on("error", () => undefined);
  lines.on("line", async (line) => {
    let answer;
    try {
      answer = { value: (await new AsyncFunction("load", "state", JSON.parse(line).js)((name) => import(name), state)) ?? null };
    } catch (error) {
      answer = { error: String(error) };
    }
    socket.write(JSON.stringify(answer) + "\\n");
  });
}
dial();
`;
