import { common, createLowlight } from "lowlight";
import type { ReactNode } from "react";
import "./highlight.css";

/** What the library answers: elements with classes, and text. */
type Node = ReturnType<ReturnType<typeof createLowlight>["highlight"]>["children"][number];

const languages = createLowlight(common);
const ALIASES: Readonly<Record<string, string>> = {
  tsx: "typescript",
  jsx: "javascript",
  console: "bash",
  shell: "bash",
};

/** Kept, so that code that scrolls out of view and back is not read again. */
const kept = new Map<string, ReactNode>();
const MOST_KEPT = 200;

/** Code as elements with colours; undefined where the language is not known. */
export function highlight(code: string, language: string): ReactNode {
  const name = language.toLowerCase();
  const known = ALIASES[name] ?? name;
  if (!languages.registered(known)) return undefined;
  const key = `${known}\n${code}`;
  const before = kept.get(key);
  if (before !== undefined) return before;
  const made = languages.highlight(known, code).children.map(element);
  if (kept.size >= MOST_KEPT) kept.clear();
  kept.set(key, made);
  return made;
}

function element(node: Node, index: number): ReactNode {
  if (node.type === "text") return node.value;
  if (node.type !== "element") return null;
  const { className } = node.properties;
  return (
    <span key={index} className={Array.isArray(className) ? className.join(" ") : undefined}>
      {node.children.map(element)}
    </span>
  );
}
