/** What the process of many followers is asked. */
export type FollowersRequest =
  | {
      readonly open: number;
      readonly transport: Transport;
      readonly url: string;
      readonly sessionId: string;
      readonly key: string;
    }
  /** Cuts every connection and follows on from each one's cursor, all at once. */
  | { readonly reconnect: true }
  /** Reads nothing any more. */
  | { readonly pause: true }
  | { readonly resume: true }
  /** Answered when each has seen so many turns end. */
  | { readonly turns: number }
  | { readonly close: true };

export type Transport = "websocket" | "sse";

export interface FollowersAnswer {
  /** Each follower's last number and the characters of the text that it got. */
  readonly followers: readonly { readonly cursor: number; readonly chars: number; readonly fault: string | null }[];
}
