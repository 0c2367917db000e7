/** The key of a request: `Authorization: Bearer KEY` or `x-api-key: KEY`; null where neither stands. */
export function requestKey(headers: Headers): string | null {
  const authorization = headers.get("authorization");
  const bearer = authorization === null ? null : /^bearer +(\S+) *$/i.exec(authorization);
  return bearer?.[1] ?? headers.get("x-api-key");
}
