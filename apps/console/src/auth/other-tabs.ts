import type { OtherTabs } from "./session-token.ts";

type Note = { readonly kind: "ask" | "sign-out" } | { readonly kind: "token"; readonly token: string };

const CHANNEL = "agent-runtime.sign-in";
/** Other tabs answer within a few milliseconds, or are not there. */
const ANSWER_MS = 300;

/** Tabs of the same origin tell each other by a channel that nobody else hears. */
export function otherTabs(channel = new BroadcastChannel(CHANNEL)): OtherTabs {
  const heard = new EventTarget();
  const tell = (note: Note): void => channel.postMessage(note);
  return {
    ask: () =>
      new Promise((resolve) => {
        const answered = (event: Event): void => resolve((event as CustomEvent<string>).detail);
        heard.addEventListener("token", answered, { once: true });
        setTimeout(() => {
          heard.removeEventListener("token", answered);
          resolve(null);
        }, ANSWER_MS);
        tell({ kind: "ask" });
      }),
    signOut: () => tell({ kind: "sign-out" }),
    listen({ token, signOut }) {
      channel.addEventListener("message", ({ data }: MessageEvent<Note>) => {
        const own = token();
        if (data.kind === "ask" && own !== null) tell({ kind: "token", token: own });
        if (data.kind === "token") heard.dispatchEvent(new CustomEvent("token", { detail: data.token }));
        if (data.kind === "sign-out") signOut();
      });
    },
  };
}
