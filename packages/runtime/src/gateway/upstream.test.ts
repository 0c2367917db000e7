import { once } from "node:events";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo, LookupFunction } from "node:net";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";
import { createUpstream, type Upstream } from "./upstream.ts";

async function serve(address: string, port: number): Promise<Server> {
  const server = createServer((_request, response) => response.end(address)).listen(port, address);
  await once(server, "listening");
  return server;
}

async function ask(upstream: Upstream, url: URL, address: string): Promise<string> {
  const lookup: LookupFunction = (_host, options, callback) =>
    options.all === true ? callback(null, [{ address, family: 4 }]) : callback(null, address, 4);
  const request = upstream.request(url, { method: "GET", headers: {}, lookup }).end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  return text(response);
}

test("a request goes to the addresses that were checked for it, and not over a connection that another one has left", async () => {
  const first = await serve("127.0.0.1", 0);
  const { port } = first.address() as AddressInfo;
  const second = await serve("127.0.0.2", port);
  const upstream = createUpstream({ connectTimeoutMs: 5000 });
  try {
    const url = new URL(`http://name.test:${port}/`);
    expect(await ask(upstream, url, "127.0.0.1")).toBe("127.0.0.1");
    expect(await ask(upstream, url, "127.0.0.2")).toBe("127.0.0.2");
  } finally {
    upstream.close();
    first.close();
    second.close();
  }
});
