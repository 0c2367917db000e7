/** Writes `bytes` to `path` in one step, and only where they differ from what is there. */
export declare function place(path: string, bytes: Buffer): void;
