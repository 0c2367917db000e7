/** The file of a session's archive. Sessions are called anything; files are letters, digits and a few signs. */
export function archiveName(session: string): string {
  const safe = session.replace(/[^\p{L}\p{N}._-]+/gu, "-").replace(/^[.-]+|-+$/g, "");
  return `${safe === "" ? "session" : safe.slice(0, 80)}.ndjson.gz`;
}
