import { fieldsOf, tested, testsIn, valuesOf, type Row } from "./row.ts";

// What sandboxes reach through the gateway, and how the gateway is reached.

const agents = testsIn("tests/session/network.test.ts");
const secrets = testsIn("tests/session/secrets.test.ts");
const publicUrl = testsIn("tests/session/gateway-url.test.ts");
const egress = testsIn("packages/runtime/src/gateway/egress.test.ts");
const hosts = testsIn("packages/runtime/src/gateway/host-route.test.ts");
const credentials = testsIn("packages/runtime/src/gateway/credentials.test.ts");
const external = testsIn("packages/runtime/src/gateway/external-gateway.test.ts");
const book = testsIn("packages/runtime/src/session/egress-book.test.ts");
const variables = testsIn("packages/runner/src/gateway-environment.test.ts");
const uses = testsIn("packages/runtime/src/session/model-use.test.ts");
const server = testsIn("apps/server/src/serve/server.test.ts");
const settings = testsIn("apps/server/src/settings/settings.test.ts");

const readable = agents(
  "what was reached and refused can be read, by whose session it is, and stands in the server's log",
);
const elsewhere = publicUrl(
  "gateway.publicUrl: a sandbox elsewhere reaches the model by HTTP with its token, and never has the key",
);
const reached = agents("an allowed host is reached by tools that know proxies: curl, and Node's fetch; a tunnel too");
const flags = server("--allowed-hosts and --gateway-url go on to the runtime, which refuses a host that is none");
const opened = secrets("a profile's secret opens its host for a tool that has only a stand-in");
const files = credentials("%s names a file, which is read at each request");
const counted = uses(
  "what the gateway counted stands in the last news of what was used, beside the harness's own figures",
);
const summed = book("a place is summed up; its first time is logged at info, the others at debug");

export const networkRows: readonly Row[] = [
  ...tested("option", ["createAgentRuntime.network", "network.allowedHosts"], reached),
  ...tested("option", ["createAgentRuntime.secrets"], opened),
  ...tested("option", ["createAgentRuntime.gateway.publicUrl"], elsewhere),
  ...tested(
    "option",
    ["createAgentRuntime.gateway.unsafeKeyInSandbox"],
    publicUrl("gateway.unsafeKeyInSandbox: the key is in the sandbox, and each start says so"),
  ),
  ...tested(
    "option",
    ["createAgentRuntime.gateway.external"],
    external("an answer goes on while servers come and go, and a new one says the same again"),
  ),
  ...tested(
    "option",
    ["serveGateway.credentials", "serveGateway.dataDir", "serveGateway.log"],
    external("a refused credential is told to the server"),
  ),
  ...tested(
    "option",
    ["serveGateway.sweepMs"],
    external("a folder that cannot be served is said; one that is gone is let go"),
  ),
  ...tested(
    "option",
    ["serveGateway.listen"],
    external("sandboxes elsewhere reach it by HTTP, by their token alone, until they have ended"),
  ),
  ...tested("option", ["serveGateway.secrets"], external("a secret's value is asked for in the gateway's own process")),
  ...tested("method", ["sandboxProvider.remote"], elsewhere),
  ...tested("flag", ["--allowed-hosts", "--gateway-url"], flags),
  ...tested("variable", ["AGENT_RUNTIME_ALLOWED_HOSTS", "AGENT_RUNTIME_GATEWAY_URL"], settings("%s")),
  ...tested("variable", ["ANTHROPIC_API_KEY_FILE", "ANTHROPIC_AUTH_TOKEN_FILE"], files),
  ...tested("variable", ["AGENT_RUNTIME_SECRET_…"], hosts("secrets from the environment have a prefix of their own")),
  ...tested("runner variable", ["AGENT_RUNTIME_GATEWAY_URL"], elsewhere),
  ...tested(
    "runner variable",
    ["AGENT_RUNTIME_NETWORK"],
    variables("names the proxy with its token in every way that tools look for, and spares what is inside"),
  ),
  ...tested("variable in the sandbox", ["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "NODE_USE_ENV_PROXY"], reached),
  ...tested("variable in the sandbox", ["AGENT_RUNTIME_HOSTS_URL"], opened),
  ...tested("route", ["GET /sessions/{id}/network"], readable),
  ...tested("field", fieldsOf("NetworkAnswer", "allowedHosts places"), readable),
  ...tested(
    "field",
    fieldsOf("NetworkUse", "host port way allowed reason requests bytesSent bytesReceived firstAt lastAt"),
    summed,
  ),
  ...tested(
    "value",
    valuesOf("NetworkUse.way", "connect"),
    egress("CONNECT to an allowed host is a tunnel, bytes both ways, and is told with their number"),
  ),
  ...tested(
    "value",
    valuesOf("NetworkUse.way", "http"),
    egress(
      "plain HTTP goes through for a host that is listed with its port, with the right Host and without the login",
    ),
  ),
  ...tested(
    "value",
    valuesOf("NetworkUse.way", "hosts"),
    hosts("a stand-in in a header becomes the secret on the way to its host, by HTTPS, and the token stays here"),
  ),
  ...tested("field", ["SessionMetadata.gateway", ...fieldsOf("GatewayCount", "requests usage")], counted),
  ...tested("field", fieldsOf("VariableValue", "secret hosts"), opened),
  ...tested("field", ["AgentProfile.environmentVariables"], opened),
];
