import { type SessionEvent, type SessionKey, type SessionStore } from "@hhopkins/agent-runtime-protocol";
import type { StoreUnderBench } from "./store-under-bench.ts";
export declare const AT = "2026-11-22T08:00:00.000Z";
export declare function keyOf(sessionId: string): SessionKey;
export declare function deltas(sessionId: string, after: number, count: number): SessionEvent[];
export declare function createSession(store: SessionStore, sessionId: string): Promise<void>;
/** A session whose log has so many deltas. Written by the database itself: it would take the store minutes. */
export declare function fillLog(
  { store, bare, series }: StoreUnderBench,
  sessionId: string,
  count: number,
): Promise<void>;
/** So many sessions of the tenant `many`, of 4 types and 100 profiles, every hundredth loaded, in no order. */
export declare function fillSessions({ bare, series }: StoreUnderBench, count: number): Promise<void>;
/** A session with so many blocks, written as turns write them, and a snapshot of its end. */
export declare function fillBlocks({ store }: StoreUnderBench, sessionId: string, count: number): Promise<void>;
/** A session with so many files. */
export declare function fillFiles({ store }: StoreUnderBench, sessionId: string, count: number): Promise<void>;
