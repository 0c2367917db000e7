// Stands in for the runner in tests of the providers: dials the server, again and again, and does what it is told, one
// JSON line a command: { js } is evaluated as the body of an async function and its value sent back.
import { createConnection } from "node:net";
import { createInterface } from "node:readline";

const path = `${process.env.AGENT_RUNTIME_SOCKETS}/runner.sock`;
const AsyncFunction = (async () => undefined).constructor;
process.stdout.write("inner script runs\n");

function dial() {
  const socket = createConnection(path);
  const again = () => setTimeout(dial, 20);
  socket.on("error", () => undefined);
  socket.on("close", again);
  const lines = createInterface({ input: socket });
  // It passes on the socket's errors.
  lines.on("error", () => undefined);
  lines.on("line", (line) => void obey(line));
  async function obey(line) {
    const { js } = JSON.parse(line);
    let answer;
    try {
      answer = { value: (await new AsyncFunction("load", js)((name) => import(name))) ?? null };
    } catch (error) {
      answer = { error: String(error) };
    }
    socket.write(`${JSON.stringify(answer)}\n`);
  }
}
dial();
