import { createHash, timingSafeEqual } from "node:crypto";
import { requestKey } from "./credentials.ts";
import { DEFAULT_TENANT, type Authenticate, type Principal } from "./principal.ts";

/** Who holds the one API key. */
export const API_KEY_PRINCIPAL: Principal = { id: "api-key", tenant: DEFAULT_TENANT };

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** Knows one key. Compares in constant time, whatever the lengths. */
export function apiKeyAuthenticate(key: string): Authenticate {
  if (key.length === 0) throw new TypeError("An API key must not be empty");
  const expected = digest(key);
  return (request) => {
    const given = requestKey(request.headers);
    return given !== null && timingSafeEqual(digest(given), expected) ? API_KEY_PRINCIPAL : null;
  };
}
