/** The panels beside a conversation. */
export const PANELS = ["files", "events", "usage", "sandbox", "subagents"] as const;
export type Panel = (typeof PANELS)[number];

/** Where things are, behind the `#` of the address. Names are anything, so each part is encoded. */
export const paths = {
  home: "/",
  session: (sessionId: string) => `/sessions/${encodeURIComponent(sessionId)}`,
  /** `item`: the file of `files`, the subagent of `subagents`. */
  panel: (sessionId: string, panel: Panel, item?: string) =>
    `/sessions/${encodeURIComponent(sessionId)}/${panel}${item === undefined ? "" : `/${encodeURIComponent(item)}`}`,
  profiles: "/profiles",
  profile: (id: string) => `/profiles/${encodeURIComponent(id)}`,
} as const;
