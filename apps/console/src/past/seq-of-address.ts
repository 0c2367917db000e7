import { useCallback, useEffect, useRef, useState } from "react";
import { navigate, useHashSearch } from "../hash-location.ts";

/** Browsers refuse pages that write their address too often. */
const WRITE_AFTER_MS = 250;

/** `?seq=N` of the address, as something that a slider can change at each pixel. */
export function useSeqOfAddress(): [number | undefined, (seq: number | undefined) => void] {
  const given = seqOf(useHashSearch());
  const [shown, setShown] = useState({ given, seq: given });
  if (shown.given !== given) setShown({ given, seq: given });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  const goTo = useCallback((seq: number | undefined) => {
    clearTimeout(timer.current);
    setShown((before) => ({ ...before, seq }));
    timer.current = setTimeout(() => navigate(withSeq(location.hash.slice(1), seq), { replace: true }), WRITE_AFTER_MS);
  }, []);
  return [shown.seq, goTo];
}

export function seqOf(search: string): number | undefined {
  const text = new URLSearchParams(search).get("seq");
  const seq = Number(text);
  return text !== null && text !== "" && Number.isSafeInteger(seq) && seq >= 1 ? seq : undefined;
}

/** An address behind the `#`, at another place of the log. */
export function withSeq(address: string, seq: number | undefined): string {
  const [path = "", search = ""] = address.split(/\?(.*)/s);
  const query = new URLSearchParams(search);
  if (seq === undefined) query.delete("seq");
  else query.set("seq", String(seq));
  return query.size === 0 ? path : `${path}?${query.toString()}`;
}
