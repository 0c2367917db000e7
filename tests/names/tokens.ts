import { fieldsOf, later, tested, testsIn, valuesOf, type Row } from "./row.ts";

const client = testsIn("packages/client/src/client.test.ts");
const follower = testsIn("packages/client/src/follow/follower.test.ts");

/** Short-lived tokens, and what rights mean. */
export const tokenRows: readonly Row[] = [
  ...later("route", ["POST /tokens"], "react"),
  ...tested("method", ["client.createToken"], client("every method calls its route")),
  ...later("field", fieldsOf("CreateTokenBody", "sessionId rights expiresInMs renewForMs"), "react"),
  ...later("field", fieldsOf("CreateTokenAnswer", "token expiresAt renewableUntil rights sessionId"), "react"),
  ...later("value", valuesOf("TokenRight", "read write manage"), "react"),
  ...later("limit", fieldsOf("token", "minExpiresInMs maxExpiresInMs defaultExpiresInMs maxRenewForMs"), "react"),
  ...tested("error code", ["token_expired"], follower("%s at the snapshot is final")),
];
