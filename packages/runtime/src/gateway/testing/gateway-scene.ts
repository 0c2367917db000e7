import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, OutgoingHttpHeaders, RequestListener } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { connect, createServer as createNetServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createGateway, type GatewayOptions } from "../gateway.ts";
import type { EgressRecord, GatewayIdentity, GatewayRules, ModelUse } from "../port.ts";

export const IDENTITY: GatewayIdentity = {
  session: { tenant: "default", sessionId: "s1" },
  generation: 1,
  token: "art_token",
};
/** What tools show a proxy: a name that does not matter, and the token. */
export const LOGIN = `Basic ${Buffer.from(`sandbox:${IDENTITY.token}`).toString("base64")}`;

/** Servers on loopback and a gateway between a client and them; all of it ends with the scene. */
export interface GatewayScene extends AsyncDisposable {
  /** Behind a port: each connection is a stream that the sandbox opens. */
  readonly port: number;
  readonly egress: EgressRecord[];
  readonly uses: ModelUse[];
  readonly logged: string[];
  revoke(): void;
  serve(server: Server): Promise<number>;
  http(listener: RequestListener): Promise<number>;
  call(
    path: string,
    options?: { method?: string; headers?: OutgoingHttpHeaders; body?: string },
  ): Promise<IncomingMessage>;
  /** A CONNECT; the answer's status line and head, and the stream after it. */
  tunnel(place: string, headers?: Record<string, string>): Promise<{ head: string; socket: Socket; rest: Buffer }>;
}

export async function gatewayScene(
  options: Partial<GatewayOptions> = {},
  rules: Partial<GatewayRules> = {},
): Promise<GatewayScene> {
  const closing: (() => unknown)[] = [];
  const egress: EgressRecord[] = [];
  const uses: ModelUse[] = [];
  const logged: string[] = [];
  const gateway = createGateway({
    credentials: () => ({ baseUrl: "http://127.0.0.1:9", apiKey: "sk-real-key" }),
    log: { debug: (detail, message) => logged.push(JSON.stringify({ ...detail, message })) },
    onEgress: (_identity, record) => void egress.push(record),
    onUse: (_identity, use) => void uses.push(use),
    ...options,
  });
  const guest = gateway.register(IDENTITY, { allowedHosts: [], secrets: [], ...rules });
  async function serve(server: Server): Promise<number> {
    const sockets = new Set<Socket>();
    server.on("connection", (socket: Socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    closing.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return (server.address() as AddressInfo).port;
  }
  const port = await serve(createNetServer(guest.handle));
  closing.push(() => gateway.close());
  return {
    port,
    egress,
    uses,
    logged,
    revoke: guest.revoke,
    serve,
    http: (listener) => serve(createServer(listener)),
    async call(path, { method = "GET", headers = {}, body } = {}) {
      const call = httpRequest({ port, host: "127.0.0.1", path, method, headers, agent: false });
      call.on("error", () => undefined);
      call.end(body);
      const [response] = (await once(call, "response")) as [IncomingMessage];
      return response;
    },
    async tunnel(place, headers = { "proxy-authorization": LOGIN }) {
      const socket = connect(port, "127.0.0.1");
      closing.push(() => socket.destroy());
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.write(`CONNECT ${place} HTTP/1.1\r\nhost: ${place}\r\n${lines.join("")}\r\n`);
      let received = Buffer.alloc(0);
      while (!received.includes("\r\n\r\n")) {
        const [chunk] = (await once(socket, "data")) as [Buffer];
        received = Buffer.concat([received, chunk]);
      }
      const end = received.indexOf("\r\n\r\n") + 4;
      return { head: received.subarray(0, end).toString(), rest: received.subarray(end), socket };
    },
    async [Symbol.asyncDispose]() {
      for (const close of closing.splice(0).toReversed()) await close();
    },
  };
}

/** An HTTPS server for `api.example.com` and `git.example.com`, and its certificate; null without `openssl`. */
export function httpsServer(listener: RequestListener): { server: Server; ca: string } | null {
  const folder = mkdtempSync(join(tmpdir(), "certificate-"));
  try {
    const names = "subjectAltName=DNS:api.example.com,DNS:git.example.com";
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    const flags = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"];
    execFileSync("openssl", ["req", ...flags, "-subj", "/CN=test", "-addext", names, "-keyout", key, "-out", cert], {
      stdio: "ignore",
    });
    const ca = readFileSync(cert, "utf8");
    return { server: createHttpsServer({ key: readFileSync(key), cert: ca }, listener), ca };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
