import type { Bare } from "./bare.ts";
import { dockerGround } from "./docker-ground.ts";
import { localGround, unsafeProcessGround } from "./host-grounds.ts";
import { modalGround } from "./modal-ground.ts";
import type { Place } from "./place.ts";

/** What one provider is measured on, and beside. */
export interface Ground {
  readonly place: Place;
  /** The technology and its version. */
  readonly about: string;
  readonly bare: readonly Bare[];
  close(): Promise<void>;
}

/** By the provider's name, with an empty folder of its own. A ground that cannot be had throws the reason. */
export const GROUNDS: Readonly<Record<string, (folder: string) => Promise<Ground>>> = {
  local: localGround,
  "unsafe-process": unsafeProcessGround,
  docker: dockerGround,
  modal: modalGround,
};
