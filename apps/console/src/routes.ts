/** The panels beside a conversation. */
export const PANELS = ["files", "events", "usage", "sandbox", "subagents"] as const;
export type Panel = (typeof PANELS)[number];

/** Where things are, behind the `#` of the address. Names are anything, so each part is encoded; `readPart` reads it. */
export const paths = {
  home: "/",
  session: (sessionId: string) => `/sessions/${encodeURIComponent(sessionId)}`,
  /** `item`: the file of `files`, the subagent of `subagents`. */
  panel: (sessionId: string, panel: Panel, item?: string) =>
    `/sessions/${encodeURIComponent(sessionId)}/${panel}${item === undefined ? "" : `/${encodeURIComponent(item)}`}`,
  profiles: "/profiles",
  profile: (id: string) => `/profiles/${encodeURIComponent(id)}`,
} as const;

/** A part of an address as it was before it was encoded. People write addresses too: what is not encoded is taken as it is. */
export function readPart(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The session of a path, wherever in its page one is. */
export function sessionOf(path: string): string | undefined {
  const part = /^\/sessions\/([^/]+)/.exec(path)?.[1];
  return part === undefined ? undefined : readPart(part);
}
