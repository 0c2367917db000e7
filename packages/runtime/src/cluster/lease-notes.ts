/** How nodes wake each other when sessions are free to be taken. Each note may be lost: nodes look from time to time as well. */
export interface LeaseNotes {
  /** Tells all nodes. Never throws, and is not waited for. */
  leaseFreed(): void;
  /** Some node said so, or texts may have been missed. Returns how to stop. */
  onLeaseFreed(listener: () => void): () => void;
}
