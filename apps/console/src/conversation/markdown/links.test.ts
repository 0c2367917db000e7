import { expect, test } from "vitest";
import { decodeEntities, inlinePicture, linkTarget } from "./links.ts";

test("links lead to the web, into the workspace, or nowhere", () => {
  expect(linkTarget("https://example.com/a?b#c")).toEqual({ kind: "web", href: "https://example.com/a?b#c" });
  expect(linkTarget("HTTP://EXAMPLE.com")).toEqual({ kind: "web", href: "http://example.com/" });
  expect(linkTarget("mailto:a@example.com")).toEqual({ kind: "web", href: "mailto:a@example.com" });
  expect(linkTarget("src/main.ts#L10")).toEqual({ kind: "file", path: "src/main.ts" });
  expect(linkTarget("./a%20b.md")).toEqual({ kind: "file", path: "a b.md" });
  expect(linkTarget("/workspace/100%.md")).toEqual({ kind: "file", path: "100%.md" });
});

test.each([
  "javascript:alert(1)",
  "JaVaScRiPt:alert(1)",
  " javascript:alert(1)",
  "java\tscript:alert(1)",
  "java\nscript:alert(1)",
  "\u0001javascript:alert(1)",
  "&#106;avascript:alert(1)",
  "&#x6A;avascript:alert(1)",
  "javascript&#58;alert(1)",
  "data:text/html,<script>alert(1)</script>",
  "vbscript:x",
  "file:///etc/passwd",
  "blob:https://example.com/1",
  "//evil.example/x",
  "/\\evil.example",
  "\\\\evil.example",
  "/etc/passwd",
  "../up",
  "a/../../up",
  "#key=stolen",
  "?x",
  "",
])("%j leads nowhere", (address) => {
  expect(linkTarget(address)).toBeUndefined();
});

test("entities are read once, and only as characters", () => {
  expect(decodeEntities("a &amp; b &lt;c&gt; &#65;&#x42; &nope; &amp;lt;")).toBe("a & b <c> AB &nope; &lt;");
  expect(decodeEntities("&#0; &#xD800; &#1114112; &constructor;")).toBe("\ufffd \ufffd \ufffd &constructor;");
});

test("only pictures without programs are shown from the text itself", () => {
  expect(inlinePicture("data:image/png;base64,iVBORw0K")).toBeDefined();
  for (const address of [
    "data:image/svg+xml;base64,PHN2Zz4=",
    "data:image/png,<svg>",
    "https://example.com/a.png",
    'data:image/png;base64,a"onerror=',
  ])
    expect(inlinePicture(address)).toBeUndefined();
});
