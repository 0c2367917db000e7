/** The model gateway in a process of its own. Arguments: the model's URL, the data directory. */
import { serveGateway } from "@hhopkins/agent-runtime";
import { serveParent } from "./child.ts";

const [baseUrl = "", dataDir = ""] = process.argv.slice(2);
const gateway = await serveGateway({
  dataDir,
  credentials: () => ({ baseUrl, apiKey: "key-of-the-benchmark" }),
  listen: { host: "127.0.0.1", port: 0 },
});
serveParent(Number(new URL(gateway.url ?? "").port), () => gateway.close());
