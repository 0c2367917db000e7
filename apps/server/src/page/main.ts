import { createAgentClient, type AgentClient, type Following } from "@hhopkins/agent-runtime-client";
import type { SessionState } from "@hhopkins/agent-runtime-protocol";
import { createConversationView } from "./conversation-view.ts";
import { byId } from "./elements.ts";
import { createFilesView } from "./files-view.ts";
import { openSession } from "./open-session.ts";
import { createSessionList } from "./session-list.ts";
import { createStatusView } from "./status-view.ts";

const KEY = "agent-runtime.key";

const signIn = byId("sign-in", HTMLElement);
const workbench = byId("workbench", HTMLElement);
const keyInput = byId("key-input", HTMLInputElement);
const keyError = byId("key-error", HTMLElement);
const signOut = byId("sign-out", HTMLButtonElement);
const input = byId("message-input", HTMLTextAreaElement);
const send = byId("send", HTMLButtonElement);
const stop = byId("stop", HTMLButtonElement);
const conversation = createConversationView(byId("conversation", HTMLElement));
const files = createFilesView();
const status = createStatusView();
const sessions = createSessionList((sessionId) => (location.hash = `session=${encodeURIComponent(sessionId)}`));

let client: AgentClient | undefined;
let following: Following | undefined;
let shown: SessionState | undefined;
/** Kept while a message is on its way: sent again after a fault it is still the same message. */
let outgoing: { content: string; messageId: string } | undefined;

function chosenSession(): string | undefined {
  return new URLSearchParams(location.hash.slice(1)).get("session") ?? undefined;
}

function askForKey(message: string | null): void {
  close();
  client = undefined;
  sessionStorage.removeItem(KEY);
  workbench.hidden = true;
  signOut.hidden = true;
  signIn.hidden = false;
  keyError.hidden = message === null;
  keyError.textContent = message ?? "";
  keyInput.value = "";
  keyInput.focus();
}

async function enter(apiKey: string): Promise<void> {
  const candidate = createAgentClient({ baseUrl: location.origin, apiKey });
  try {
    await sessions.refresh(candidate);
  } catch (error) {
    return askForKey(isRefusal(error) ? "This key is not the server's." : textOf(error));
  }
  client = candidate;
  sessionStorage.setItem(KEY, apiKey);
  signIn.hidden = true;
  workbench.hidden = false;
  signOut.hidden = false;
  open();
}

function close(): void {
  following?.stop();
  following = undefined;
  shown = undefined;
  status.connection("off");
  status.clear();
  files.clear();
}

/** Opens the session that the address names. */
function open(): void {
  close();
  const sessionId = chosenSession();
  sessions.mark(sessionId);
  for (const control of [input, send]) control.disabled = sessionId === undefined;
  stop.disabled = true;
  status.fault(null);
  if (client === undefined || sessionId === undefined) return conversation.clear("Make a new session, or choose one.");
  conversation.clear("Opening …");
  status.connection("connecting");
  const current = client;
  following = openSession(current, sessionId, {
    onState: (state) => {
      if (sessionId === chosenSession()) draw(state, current);
    },
    onConnection: (connection) => {
      if (sessionId === chosenSession()) status.connection(connection);
    },
    onFault: (fault) => {
      if (fault?.code === "unauthorized") askForKey("This key is not the server's any more.");
      else if (sessionId === chosenSession()) status.fault(fault === null ? null : fault.message);
    },
  });
  input.focus();
}

function draw(state: SessionState, from: AgentClient): void {
  const hasEnded = shown?.turn !== null && state.turn === null;
  shown = state;
  conversation.draw(state);
  files.draw(state, from);
  status.draw(state);
  stop.disabled = state.turn === null;
  if (hasEnded) sessions.refresh(from).catch(() => {});
}

async function create(): Promise<void> {
  if (client === undefined) return;
  const made = await client.createSession({ agentProfileRef: "default", architecture: "claude-agent-sdk" });
  await sessions.refresh(client);
  location.hash = `session=${encodeURIComponent(made.sessionId)}`;
}

async function submit(): Promise<void> {
  const sessionId = chosenSession();
  const content = input.value;
  if (client === undefined || sessionId === undefined || content.trim() === "") return;
  if (outgoing?.content !== content) outgoing = { content, messageId: newMessageId() };
  send.disabled = true;
  try {
    await client.sendMessage(sessionId, content, { messageId: outgoing.messageId });
    outgoing = undefined;
    input.value = "";
    status.fault(null);
  } finally {
    send.disabled = false;
  }
}

function newMessageId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return `page-${[...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

/** Does something that a person asked for, and shows why it did not work. */
function attempt(work: () => Promise<void>): void {
  work().catch((error: unknown) => {
    if (isRefusal(error)) askForKey("This key is not the server's any more.");
    else status.fault(textOf(error));
  });
}

function isRefusal(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "unauthorized" || error.code === "forbidden");
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

byId("key-form", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(() => enter(keyInput.value.trim()));
});
byId("composer", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(submit);
});
input.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  if (!send.disabled) attempt(submit);
});
byId("new-session", HTMLButtonElement).addEventListener("click", () => attempt(create));
stop.addEventListener("click", () =>
  attempt(async () => {
    const sessionId = chosenSession();
    if (sessionId !== undefined) await client?.interrupt(sessionId);
  }),
);
signOut.addEventListener("click", () => askForKey(null));
addEventListener("hashchange", open);

async function showModel(): Promise<void> {
  const info = (await (await fetch("/page/info.json")).json()) as { model?: string };
  byId("model-banner", HTMLElement).hidden = info.model !== "scripted";
}

showModel().catch(() => {});
const kept = sessionStorage.getItem(KEY);
if (kept === null) askForKey(null);
else attempt(() => enter(kept));
