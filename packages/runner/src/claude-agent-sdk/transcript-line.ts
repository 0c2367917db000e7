/** Above this many characters an entry is slimmed: the wire has a limit of a line. */
const ENTRY_CHARS = 1024 * 1024;
/** Longest string that is kept in a slimmed entry. */
const STRING_CHARS = 64 * 1024;

/**
 * An entry that fits the wire. A line must not be dropped, for each names the one before it; so what is large in it
 * (images, whole files) is replaced by a note, and the model is told so after a resume.
 */
export function slimEntry<E>(entry: E): E {
  const size = JSON.stringify(entry).length;
  return size <= ENTRY_CHARS ? entry : (slim(entry) as E);
}

function slim(value: unknown): unknown {
  if (typeof value === "string") return value.length <= STRING_CHARS ? value : `${value.slice(0, STRING_CHARS)}… [cut]`;
  if (Array.isArray(value)) return value.map(slim);
  if (typeof value !== "object" || value === null) return value;
  if (isMedia(value)) return { type: "text", text: `[${value.type} left out: it was too large to be kept]` };
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, slim(inner)]));
}

/** Base64 that was cut would be refused by the model. */
function isMedia(value: object): value is { type: string } {
  if (!("type" in value) || !("source" in value)) return false;
  return value.type === "image" || value.type === "document";
}
