import { fieldsOf, tested, testsIn, valuesOf, type Row } from "./row.ts";

const client = testsIn("packages/client/src/client.test.ts");
const follower = testsIn("packages/client/src/follow/follower.test.ts");
const token = testsIn("packages/runtime/src/auth/tokens.test.ts");
const server = testsIn("tests/tokens/tokens.test.ts");

const ofItsSession = server("a page's token is for its session, with its rights, and for nothing else");
const reader = server("who reads does not write, and makes tokens that read");
const checked = server("what is asked for is checked, and named");
const hasBody = token("has the rights, the session and the times that were asked for");
const streams = server("streams end with their token, and followers go on with the next one without losing an event");
const ofApplications = server(
  "an application's own principals give tokens of their tenant and rights; tokenSecret makes servers agree",
);
const renewed = token("that end when it does, unless it can be renewed, and then by that time");

/** Short-lived tokens, and what rights mean. */
export const tokenRows: readonly Row[] = [
  ...tested("route", ["POST /tokens"], ofItsSession),
  ...tested("method", ["client.createToken"], client("every method calls its route")),
  ...tested("field", fieldsOf("CreateTokenBody", "sessionId rights expiresInMs renewForMs"), hasBody),
  ...tested("field", fieldsOf("CreateTokenAnswer", "token expiresAt renewableUntil rights sessionId"), hasBody),
  ...tested("value", valuesOf("TokenRight", "read"), reader),
  ...tested("value", valuesOf("TokenRight", "write manage"), ofItsSession),
  ...tested("limit", fieldsOf("token", "minExpiresInMs maxExpiresInMs maxRenewForMs"), checked),
  ...tested(
    "limit",
    ["token.defaultExpiresInMs"],
    token("carries who asked, with everything that they may do, for an hour"),
  ),
  ...tested("error code", ["token_expired"], follower("%s at the snapshot is final")),
  ...tested("close code", ["4401"], streams),
  ...tested("option", ["createAgentRuntime.tokenSecret"], ofApplications),
  ...tested("field", fieldsOf("Principal", "rights sessionId"), ofApplications),
  ...tested("field", fieldsOf("Principal", "expiresAt"), streams),
  ...tested("field", fieldsOf("Principal", "renewableUntil"), renewed),
];
