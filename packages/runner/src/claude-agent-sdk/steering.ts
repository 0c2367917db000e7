import { MAIN_CONVERSATION } from "@hhopkins/agent-runtime-protocol";
import type { HarnessMessage, HarnessSteering } from "../architecture.ts";
import { contentOf, type NativeMessage } from "./native.ts";
import { promptOf, type Prompt } from "./prompts.ts";
import { conversationOf } from "./speech.ts";

/** The harness that a message is given to. */
export interface SteeredHarness {
  give(prompt: Prompt): void;
  /** Subagents are at work beside the main conversation. */
  hasSubagents(): boolean;
  /** Takes back what was given and has not begun; false when it is too late. */
  cancel(uuid: string): Promise<boolean>;
}

interface Offer {
  readonly prompt: Prompt;
  /** Held by us, given to the harness, announced by it as queued, folded into the turn, or gone with it. */
  state: "held" | "given" | "queued" | "taken" | "gone";
  /** Resolves when the harness has announced it, or the turn is over: before, it cannot be taken back. */
  readonly announced: PromiseWithResolvers<void>;
}

/**
 * Messages for a turn that runs. The harness folds a message in when a tool has returned; without a tool it would make a
 * turn of its own of it, behind the log's back. So each is held until a tool runs, or until the turn goes on with
 * subagents alone.
 */
export interface Steering extends HarnessSteering {
  /** A message as the harness takes it, also one that it was given before and had to give back. */
  promptOf(message: HarnessMessage): Prompt;
  /** Follows the turn; returns the ids of messages that were folded in with this one. */
  follow(message: NativeMessage): string[];
  /** The turn is to stop: no message begins any more, where that can be helped. */
  stop(): void;
  /** Forgets the turn. */
  end(): void;
}

export function createSteering(harness: SteeredHarness): Steering {
  const offers = new Map<string, Offer>();
  const tools = new Set<string>();
  /** How often a message was taken back. */
  const recalls = new Map<string, number>();
  /** The main conversation waits for subagents in the background: what it is given it takes at once. */
  let resting = false;
  let stopped = false;

  function give(): void {
    if ((tools.size === 0 && !resting) || stopped) return;
    for (const offer of offers.values()) {
      if (offer.state !== "held") continue;
      offer.state = "given";
      harness.give(offer.prompt);
    }
  }

  function followTools(message: NativeMessage): void {
    if (message.isReplay === true || conversationOf(message) !== MAIN_CONVERSATION) return;
    for (const content of contentOf(message.message)) {
      if (message.type === "assistant" && content.type === "tool_use") tools.add(content.id ?? "");
      if (message.type === "user" && content.type === "tool_result") tools.delete(content.tool_use_id ?? "");
    }
  }

  /** What the message says about an offer, in the order of the states. */
  function stateFrom(message: NativeMessage, offer: Offer): Offer["state"] {
    const { uuid } = offer.prompt;
    // A replay of what was never announced is of an earlier turn.
    if (message.isReplay === true && message.uuid === uuid && offer.state === "queued") return "taken";
    if (message.type !== "command_lifecycle" || message.command_uuid !== uuid) return offer.state;
    if (message.state === "queued") return "queued";
    if (message.state === "cancelled") return "gone";
    return message.state === "started" || message.state === "completed" ? "taken" : offer.state;
  }

  /** True when the harness does not begin it any more. */
  async function cancel(messageId: string, offer: Offer): Promise<boolean> {
    await offer.announced.promise;
    if (offer.state === "queued" && (await harness.cancel(offer.prompt.uuid))) recall(messageId, offer);
    return offer.state === "gone";
  }

  function recall(messageId: string, offer: Offer): void {
    if (offer.state === "gone") return;
    offer.state = "gone";
    recalls.set(messageId, (recalls.get(messageId) ?? 0) + 1);
  }

  function toPrompt(message: HarnessMessage): Prompt {
    return promptOf(message, recalls.get(message.messageId));
  }

  return {
    promptOf: toPrompt,
    offer(message: HarnessMessage) {
      const known = offers.get(message.messageId);
      if (known !== undefined && known.state !== "held") return;
      const prompt = toPrompt(message);
      offers.set(message.messageId, { prompt, state: "held", announced: Promise.withResolvers() });
      give();
    },
    async withdraw(messageId) {
      const offer = offers.get(messageId);
      if (offer === undefined) return false;
      if (offer.state !== "held" && !(await cancel(messageId, offer))) return true;
      if (offers.get(messageId) === offer) offers.delete(messageId);
      return false;
    },
    follow(message) {
      if (message.type === "assistant" || message.type === "user") followTools(message);
      if (message.type === "result") resting = harness.hasSubagents();
      else if (message.type === "stream_event" && conversationOf(message) === MAIN_CONVERSATION) resting = false;
      const taken: string[] = [];
      for (const [messageId, offer] of offers) {
        if (offer.state !== "given" && offer.state !== "queued") continue;
        const state = stateFrom(message, offer);
        if (state === "gone") recall(messageId, offer);
        else offer.state = state;
        if (offer.state !== "given") offer.announced.resolve();
        if (offer.state === "taken") taken.push(messageId);
      }
      give();
      return taken;
    },
    stop() {
      stopped = true;
      for (const [messageId, offer] of offers) if (offer.state !== "held") void cancel(messageId, offer);
    },
    end() {
      for (const offer of offers.values()) {
        if (offer.state !== "taken") offer.state = "gone";
        offer.announced.resolve();
      }
      offers.clear();
      tools.clear();
      resting = false;
      stopped = false;
    },
  };
}
