import { createContext, useContext } from "react";

/** What the server said of fields, by their paths (`skills.0.name`). */
export type FieldIssues = ReadonlyMap<string, string>;

const IssuesContext = createContext<FieldIssues>(new Map());
export const IssuesProvider = IssuesContext.Provider;

export function useIssue(path: string): string | undefined {
  return useContext(IssuesContext).get(path);
}

/** Whether something is wrong inside of a field. */
export function useHasIssues(path: string): boolean {
  return [...useContext(IssuesContext).keys()].some((other) => other === path || other.startsWith(`${path}.`));
}

/** A field's element, to go to it. */
export function elementId(path: string): string {
  return `field-${path}`;
}
