interface Tab {
  readonly location: Pick<Location, "hash" | "pathname" | "search">;
  readonly history: Pick<History, "replaceState">;
}

/** The key of an address that ends in `#key=KEY`, which it is taken out of, here and in the tab's history. */
export function takeKeyOfAddress({ location, history }: Tab): string | undefined {
  const given = /^#\/?key=(.*)$/s.exec(location.hash)?.[1];
  if (given === undefined) return undefined;
  history.replaceState(null, "", `${location.pathname}${location.search}#/`);
  const key = decoded(given).trim();
  return key === "" ? undefined : key;
}

/** People copy addresses in parts: what is not encoded is taken as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
