import { expect, test } from "vitest";
import { visibleName } from "./visible-name.ts";

test("what hides or turns characters around is shown by its number; other scripts stay", () => {
  expect(visibleName("invoice\u202Efdp.exe")).toBe("invoice⟨202E⟩fdp.exe");
  expect(visibleName("a\u200Bb\uFEFFc\nd\u0000")).toBe("a⟨200B⟩b⟨FEFF⟩c⟨A⟩d⟨0⟩");
  expect(visibleName("Größe 漢字 عربي 😀.md")).toBe("Größe 漢字 عربي 😀.md");
});
