import { chromium, type Browser } from "playwright-core";

/** Where Debian's is. */
const CHROMIUM = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** The machine's Chromium, headless, which calls nobody but the pages that it is given. */
export function launchChromium(...flags: string[]): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...flags,
    ],
  });
}
