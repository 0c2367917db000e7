/** One message and its answer, as who sent it saw them; milliseconds of `now()`. */
export interface Answer {
  readonly sentAt: number;
  /** The first piece of text of the answer. */
  readonly firstDeltaAt: number;
  readonly lastDeltaAt: number;
  /** Steps on the way, by name, in their order. */
  readonly steps: Readonly<Record<string, number>>;
}

/** How long the text took from its first piece to its last. */
export function streaming(answer: Answer): number {
  return answer.lastDeltaAt - answer.firstDeltaAt;
}

export function firstDelta(answer: Answer): number {
  return answer.firstDeltaAt - answer.sentAt;
}

/** The first of the model's requests that came between the message and its answer; empty where none did. */
export function arrivalIn({ sentAt, firstDeltaAt }: Answer, arrivals: readonly number[]): number[] {
  return arrivals.filter((at) => at >= sentAt && at <= firstDeltaAt).slice(0, 1);
}
