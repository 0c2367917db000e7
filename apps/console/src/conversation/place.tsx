import { createContext, useCallback, useContext, useState } from "react";
import { useHashSearch } from "../hash-location.ts";
import { seqOf, withSeq } from "../past/seq-of-address.ts";
import { paths, type Panel } from "../routes.ts";

/** Which conversation the blocks below belong to, and what of it the reader has folded or opened. */
export interface ConversationPlace {
  readonly sessionId: string;
  /** `main`, or a subagent's id. */
  readonly conversationId: string;
  /** By what is folded; rows that scroll out of view and back look as they did. */
  readonly folds: Map<string, boolean>;
}

const PlaceContext = createContext<ConversationPlace | undefined>(undefined);

export const ConversationPlaceProvider = PlaceContext.Provider;

export function usePlace(): ConversationPlace {
  const place = useContext(PlaceContext);
  if (place === undefined) throw new Error("Blocks are shown inside of a conversation.");
  return place;
}

/** Address of a panel of this session, in the past that is shown where it is one. */
export function usePanelPath(panel: Panel, item?: string): string {
  const { sessionId } = usePlace();
  return withSeq(paths.panel(sessionId, panel, item), seqOf(useHashSearch()));
}

/** Whether something is open, for as long as the conversation is shown. */
export function useFold(id: string, isOpenAtFirst: boolean): [isOpen: boolean, setOpen: (isOpen: boolean) => void] {
  const { folds } = usePlace();
  const [isOpen, show] = useState(() => folds.get(id) ?? isOpenAtFirst);
  const setOpen = useCallback(
    (next: boolean) => {
      folds.set(id, next);
      show(next);
    },
    [folds, id],
  );
  return [isOpen, setOpen];
}
