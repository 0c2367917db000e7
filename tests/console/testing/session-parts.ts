import type { Locator, Page } from "playwright-core";
import type { ConsolePage, ConsoleUnderTest } from "./console-under-test.ts";

/** The conversation of the session that is open, and no subagent's beside it. */
export function conversation(page: Page): Locator {
  return page.getByRole("region", { name: "Session", exact: true }).getByRole("feed", { name: "Messages" });
}

/** Where a message is written. */
export function messageField(page: Page): Locator {
  return page.getByRole("textbox", { name: "Message", exact: true });
}

/** Sends a message by the page. */
export async function say(page: Page, text: string): Promise<void> {
  await messageField(page).fill(text);
  await messageField(page).press("Enter");
}

/** The button of exactly that name. */
export function button(within: Page | Locator, name: string): Locator {
  return within.getByRole("button", { name, exact: true });
}

/** In the page: whether an element has the focus. */
export function hasFocus(element: { matches(selector: string): boolean }): boolean {
  return element.matches(":focus");
}

/** Shows what is at an address of the page, behind its `#`, without loading the page anew. */
export function go(page: Page, address: string): Promise<unknown> {
  return page.evaluate((hash) => (location.hash = hash), address);
}

/** A new session, and a tab that shows it. */
export async function openSession(
  tested: ConsoleUnderTest,
  { name, agentProfileRef }: { readonly name: string; readonly agentProfileRef: string },
): Promise<ConsolePage & { readonly id: string }> {
  const id = await tested.createSession({ agentProfileRef, name });
  const tab = await tested.open({ path: `/sessions/${id}` });
  await tab.page.getByRole("heading", { level: 1, name, exact: true }).waitFor();
  return { id, ...tab };
}
