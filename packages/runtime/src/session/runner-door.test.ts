import { encodeLine, WIRE_VERSION } from "@hhopkins/agent-runtime-protocol";
import { duplexPair, type Duplex } from "node:stream";
import { expect, test, vi } from "vitest";
import type { Sandbox } from "../sandbox/port.ts";
import { openRunnerDoor } from "./runner-door.ts";

const log = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
const hello = encodeLine({ type: "hello", version: WIRE_VERSION, generation: 1, first: 1, last: 0, fence: 0 });

/** A sandbox whose runner dials when it is told to. */
function sandbox() {
  let onStream: (stream: Duplex) => void = () => undefined;
  const accept: Sandbox["accept"] = async (_channel, listener) => {
    onStream = listener;
    return { close: async () => undefined };
  };
  const dial = (): Duplex => {
    const [server, runner] = duplexPair();
    onStream(server);
    return runner;
  };
  return { sandbox: { accept } as Sandbox, dial };
}

test("what a runner says before anybody listens at the door is kept for who does", async () => {
  const { sandbox: of, dial } = sandbox();
  const door = await openRunnerDoor(of, { generation: 1, log });
  const runner = dial();
  runner.write(hello);
  // All of it has arrived, and has been looked at.
  await vi.waitFor(() => expect(runner.writableLength).toBe(0));
  await new Promise((resolve) => setImmediate(resolve));
  runner.write("more");
  await new Promise((resolve) => setImmediate(resolve));
  let heard = "";
  door.listen((stream) => stream.on("data", (bytes: Buffer) => (heard += bytes.toString())));
  await vi.waitFor(() => expect(heard).toBe(`${hello}more`));
  runner.write("then");
  await vi.waitFor(() => expect(heard).toBe(`${hello}morethen`));
});
