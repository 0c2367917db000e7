import { ClientError } from "@hhopkins/agent-runtime-client";
import type { CreateTokenAnswer, CreateTokenBody } from "@hhopkins/agent-runtime-protocol";

/** Whether the page may ask the server, and what a person is told where it may not, or not yet. */
export type SignInState =
  | { readonly status: "signed-out" | "signing-in" | "signed-in"; readonly reason?: string }
  | { readonly status: "failed"; readonly reason: string };

/** What lives longer than a page: the tab's storage. */
export interface TokenStorage {
  read(): string | null;
  write(token: string | null): void;
}

/** Other tabs of this browser. */
export interface OtherTabs {
  /** Asks them for a token that is good; null: none has one. */
  ask(): Promise<string | null>;
  /** Tells them that the person has signed out. */
  signOut(): void;
  /** They ask, and tell. */
  listen(tab: { readonly token: () => string | null; readonly signOut: () => void }): void;
}

export interface SessionTokenParts {
  /** Asks the server for a token, by a key or by another token. Rejects with `ClientError`. */
  readonly exchange: (bearer: string, body: CreateTokenBody) => Promise<CreateTokenAnswer>;
  readonly storage: TokenStorage;
  readonly tabs?: OtherTabs;
  /** The key of the address, which does not stand there any more. */
  readonly key?: string | undefined;
  /** In milliseconds; the page's own clock, which may be any. */
  readonly now?: () => number;
  /** How long it waits before it asks a server again that does not answer. */
  readonly pauseMs?: (attempt: number) => number;
}

const LIFE_MS = 15 * 60_000;
const BODY: CreateTokenBody = { expiresInMs: LIFE_MS, renewForMs: 12 * 3_600_000 };
/** Part of a token's life after which another one is fetched. */
const FRESH = 0.8;

const AWAY = "The server does not answer. The page tries again by itself.";
const ENDED = "Your sign-in has ended. Sign in again with the link that the server printed, or with its key.";

const defaultPause = (attempt: number): number => Math.min(10_000, 500 * 2 ** attempt);

/** Signs the page in: keeps a short-lived token, never a key, and renews it where it is asked for and getting old. */
export class SessionToken {
  readonly #parts: SessionTokenParts;
  readonly #now: () => number;
  readonly #listeners = new Set<() => void>();
  #state: SignInState = { status: "signed-out" };
  #token: string | null = null;
  #staleAt = 0;
  /** Counts what people do: an exchange that is under way when they do something else is of no more use. */
  #turn = 0;
  #renewal: Promise<string> | undefined;

  constructor(parts: SessionTokenParts) {
    this.#parts = parts;
    this.#now = parts.now ?? Date.now;
    parts.tabs?.listen({
      token: () => this.#token,
      signOut: () => {
        if (this.#token !== null) this.#forget({ status: "signed-out", reason: "You signed out in another tab." });
      },
    });
    void this.#begin();
  }

  readonly getState = (): SignInState => this.#state;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Exchanges a key for a token. Waits for a server that does not answer. */
  readonly signIn = async (key: string): Promise<void> => {
    this.#forget({ status: "signing-in" });
    await this.#exchange(key, this.#turn);
  };

  readonly signOut = (): void => {
    this.#forget({ status: "signed-out" });
    this.#parts.tabs?.signOut();
  };

  /** A token that is good as far as one knows; another than `refused`. Rejects where the page is not signed in. */
  readonly getToken = async (refused?: string): Promise<string> => {
    const token = this.#token;
    if (token === null) throw new ClientError("unauthorized", ENDED);
    const isRefused = refused === token;
    if (!isRefused && this.#now() < this.#staleAt) return token;
    const renewal = (this.#renewal ??= this.#renew(token, isRefused));
    try {
      return await renewal;
    } finally {
      if (this.#renewal === renewal) this.#renewal = undefined;
    }
  };

  /** Where there is nothing to begin with, another tab may have it. */
  async #begin(): Promise<void> {
    const { key, storage, tabs } = this.#parts;
    if (key !== undefined) return this.signIn(key);
    const kept = storage.read();
    if (kept !== null) return this.#goOnWith(kept);
    if (tabs === undefined) return;
    this.#show({ status: "signing-in" });
    const turn = this.#turn;
    const found = await tabs.ask();
    if (this.#turn !== turn) return;
    if (found === null) this.#show({ status: "signed-out" });
    else this.#goOnWith(found);
  }

  /** How old it is, nobody knows: the first who asks renews it. */
  #goOnWith(token: string): void {
    this.#keep(token, this.#now());
    this.#show({ status: "signed-in" });
  }

  async #exchange(key: string, turn: number, attempt = 0): Promise<void> {
    const { exchange, pauseMs = defaultPause } = this.#parts;
    try {
      const { token } = await exchange(key, BODY);
      if (this.#turn !== turn) return;
      this.#keep(token);
      this.#show({ status: "signed-in" });
    } catch (error) {
      if (this.#turn !== turn) return;
      if (!isAway(error)) return this.#forget({ status: "failed", reason: refusalOf(error) });
      this.#show({ status: "signing-in", reason: AWAY });
      await new Promise((resolve) => setTimeout(resolve, pauseMs(attempt)));
      if (this.#turn === turn) await this.#exchange(key, turn, attempt + 1);
    }
  }

  /** One for all who ask. A token that is still good serves on where the server does not answer. */
  async #renew(old: string, isRefused: boolean): Promise<string> {
    const turn = this.#turn;
    try {
      const { token } = await this.#parts.exchange(old, BODY);
      if (this.#turn === turn) this.#keep(token);
      return token;
    } catch (error) {
      if (isAway(error) && !isRefused) return old;
      if (!isAway(error) && this.#turn === turn) this.#forget({ status: "signed-out", reason: ENDED });
      throw error;
    }
  }

  #keep(token: string, staleAt = this.#now() + LIFE_MS * FRESH): void {
    this.#token = token;
    this.#staleAt = staleAt;
    this.#parts.storage.write(token);
  }

  #forget(next: SignInState): void {
    this.#turn += 1;
    this.#token = null;
    this.#renewal = undefined;
    this.#parts.storage.write(null);
    this.#show(next);
  }

  #show(next: SignInState): void {
    this.#state = next;
    for (const listener of this.#listeners) listener();
  }
}

/** Whether the server has not said anything that counts: it is away, starting, or overwhelmed. */
function isAway(error: unknown): boolean {
  if (!(error instanceof ClientError)) return false;
  return error.code === "unreachable" || error.status === 429 || (error.status ?? 0) >= 500;
}

function refusalOf(error: unknown): string {
  const code = error instanceof ClientError ? error.code : "";
  if (code === "token_expired")
    return "This link has expired. Start the server again for a new one, or sign in with its key.";
  if (code === "unauthorized")
    return "The server does not take this key. It keeps its key in the file api-key of its data directory.";
  return error instanceof Error ? error.message : String(error);
}
