/** The scripted model in a process of its own, which tells its parent when each request for an answer arrived. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { createScriptedModelHandler } from "@hhopkins/agent-runtime-testkit";
import { serveParent } from "./child.ts";
import { now } from "./clock.ts";

const handler = createScriptedModelHandler({ keepRequests: 1 });
const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
  const at = now();
  // Told afterwards, so that the telling is in nobody's time.
  if (request.method === "POST") response.once("close", () => process.send?.({ arrived: at }));
  handler(request, response);
});
server.listen(0, "127.0.0.1", () => {
  serveParent((server.address() as AddressInfo).port, async () => {
    server.close();
    server.closeAllConnections();
  });
});
