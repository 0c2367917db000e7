import type { AskAnswer } from "@hhopkins/agent-runtime-protocol";

/** How a card gives its answer; what fails is shown below it. */
export interface Answering {
  readonly isBusy: boolean;
  readonly allow: (more?: Omit<Extract<AskAnswer, { decision: "allow" }>, "decision">) => void;
  /** An empty reason is none. */
  readonly deny: (reason: string) => void;
}
