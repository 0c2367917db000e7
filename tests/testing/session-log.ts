import type { SessionEvent } from "@hhopkins/agent-runtime-protocol";
import type { RuntimeUnderTest } from "./runtime-under-test.ts";

/** The whole log of a session, as a client gets it that was never there before. */
export async function logOf(bench: Pick<RuntimeUnderTest, "request">, sessionId: string): Promise<SessionEvent[]> {
  const response = await bench.request("GET", `/sessions/${sessionId}/events?after=0&follow=false`);
  return (await response.text()).split("\n\n").flatMap(eventOf);
}

function eventOf(frame: string): SessionEvent[] {
  const type = /^event: (.*)$/m.exec(frame)?.[1];
  const payload = /^data: (.*)$/m.exec(frame)?.[1];
  if (type === undefined || payload === undefined) return [];
  const { seq, at, from: _from, ...data } = JSON.parse(payload) as Record<string, unknown>;
  return [{ seq, at, type, data } as unknown as SessionEvent];
}

/** How the turns of a session ended, in order: a status, and the error's code behind it where there is one. */
export async function turnEnds(bench: Pick<RuntimeUnderTest, "request">, sessionId: string): Promise<string[]> {
  return (await logOf(bench, sessionId)).flatMap((event) => {
    if (event.type !== "session:turn:completed") return [];
    const { status, error } = event.data;
    return [error === undefined ? status : `${status} ${error.code}`];
  });
}
