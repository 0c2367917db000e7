// A client in a process of its own that knows nothing but the frames: it joins at the beginning of a log, folds every frame
// into a state, and prints what it has as JSON whenever it is asked for a seq that it has reached.
//   node folding-client.ts WS_URL API_KEY SESSION_ID
import { initialState, parseEvent, reduce, type SessionState } from "@hhopkins/agent-runtime-protocol";
import { createInterface } from "node:readline";

const [url = "", key = "", sessionId = ""] = process.argv.slice(2);
const bearer = `bearer.${Buffer.from(key).toString("base64url")}`;
let state: SessionState | undefined;
const asked: number[] = [];

function answer(): void {
  const reached = asked[0];
  if (state === undefined || reached === undefined || state.lastSeq < reached) return;
  asked.shift();
  process.stdout.write(`${JSON.stringify(state)}\n`);
}

function fold(frame: {
  event?: string;
  data?: { logId?: string };
  seq?: number;
  from?: number;
  at?: string;
  ack?: unknown;
}): void {
  if (frame.ack !== undefined) state = initialState(sessionId, frame.data?.logId ?? "");
  if (frame.seq === undefined || state === undefined) return;
  if ((frame.from ?? frame.seq) !== state.lastSeq + 1) throw new Error(`frame ${frame.seq} after ${state.lastSeq}`);
  const event = parseEvent({ seq: frame.seq, at: frame.at, type: frame.event, data: frame.data });
  if (event === null) throw new Error(`unknown event ${frame.event}`);
  state = reduce(state, event);
  answer();
}

const socket = new WebSocket(url, ["agent-runtime.v1", bearer]);
socket.addEventListener("open", () =>
  socket.send(JSON.stringify({ id: 1, event: "session:join", data: { sessionId, after: 0 } })),
);
socket.addEventListener("message", ({ data }) => fold(JSON.parse(String(data)) as Parameters<typeof fold>[0]));
socket.addEventListener("close", () => process.exit(0));
createInterface({ input: process.stdin }).on("line", (line) => {
  asked.push(Number(line));
  answer();
});
