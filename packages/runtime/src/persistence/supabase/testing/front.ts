import { createServer, request, type IncomingMessage, type ServerResponse } from "node:http";

/** What becomes of a call on its way. */
export type CallFault =
  | "pass"
  | "lose the answer"
  | "lose the call"
  | "hang"
  | { readonly status: number; readonly body: string };

/** What stands before PostgREST in a project: it serves it below `/rest/v1`. */
export interface Front {
  readonly url: string;
  /** Calls so far, by the function's name. */
  readonly calls: Map<string, number>;
  /** Decides about each call from now on, by the function's name. */
  fault: (name: string) => CallFault;
  stop(): Promise<void>;
}

export async function startFront(port: number): Promise<Front> {
  const calls = new Map<string, number>();
  const server = createServer((from, to) => pass(from, to));
  const front: Front = {
    url: "",
    calls,
    fault: () => "pass",
    stop: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const pass = (from: IncomingMessage, to: ServerResponse): void => {
    const path = /^\/rest\/v1(\/.*)$/.exec(from.url ?? "")?.[1];
    if (path === undefined) {
      to.writeHead(404, { "content-type": "text/html" }).end("<h1>not here</h1>");
      return;
    }
    const name = /^\/rpc\/agent_runtime_([a-z0-9_]+)/.exec(path)?.[1] ?? path;
    calls.set(name, (calls.get(name) ?? 0) + 1);
    const fault = front.fault(name);
    if (typeof fault === "object") {
      from.resume();
      from.once("end", () => to.writeHead(fault.status, { "content-type": "application/json" }).end(fault.body));
      return;
    }
    if (fault === "hang") return;
    if (fault === "lose the call") return void from.socket.destroy();
    forward({ from, to, path, port, loseAnswer: fault === "lose the answer" });
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const own = typeof address === "object" && address !== null ? address.port : 0;
  return Object.assign(front, { url: `http://127.0.0.1:${own}` });
}

interface Forward {
  readonly from: IncomingMessage;
  readonly to: ServerResponse;
  readonly path: string;
  readonly port: number;
  readonly loseAnswer: boolean;
}

function forward({ from, to, path, port, loseAnswer }: Forward): void {
  const { method, headers } = from;
  const inner = request({ host: "127.0.0.1", port, path, method, headers }, (answer) => {
    if (loseAnswer) {
      answer.resume();
      answer.once("end", () => from.socket.destroy());
      return;
    }
    to.writeHead(answer.statusCode ?? 500, answer.headers);
    answer.pipe(to);
  });
  inner.once("error", () => to.writeHead(502).end());
  from.pipe(inner);
}
