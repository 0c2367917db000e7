import type { AppendBatch, PersistenceAdapter, SessionStore } from "@hhopkins/agent-runtime";

type Harm = (batch: AppendBatch) => AppendBatch;

/** A real adapter that keeps something else than it was given, and answers that all is well. */
export interface CorruptingPersistence {
  readonly adapter: PersistenceAdapter & { readonly store: SessionStore };
  /** What becomes of a batch; undefined: nothing. */
  harm: Harm | undefined;
}

export function corruptingPersistence(
  real: PersistenceAdapter & { readonly store: SessionStore },
): CorruptingPersistence {
  const append: SessionStore["append"] = (batches) =>
    real.store.append(batches.map((batch) => corrupting.harm?.(batch) ?? batch));
  const corrupting: CorruptingPersistence = { adapter: { ...real, store: { ...real.store, append } }, harm: undefined };
  return corrupting;
}

/** One byte of each blob is another one. */
export const oneByte: Harm = (batch) => ({
  ...batch,
  blobs: (batch.blobs ?? []).map((chunk) => {
    const bytes = Uint8Array.from(chunk.bytes);
    if (bytes.length > 0) bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
    return { ...chunk, bytes };
  }),
});

/** No blob is kept. */
export const noBytes: Harm = ({ blobs: _blobs, ...batch }) => batch;

/** A file of this name is not listed. */
export const dropped =
  (path: string): Harm =>
  (batch) => ({
    ...batch,
    ...(batch.files === undefined
      ? {}
      : { files: { ...batch.files, put: batch.files.put.filter((file) => file.path !== path) } }),
  });
