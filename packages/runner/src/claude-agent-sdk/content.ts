import type { NativeContent } from "./native.ts";

/** Text of a tool's result; what is not text is named, not carried. */
export function resultText(content: string | readonly NativeContent[] | undefined): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: NativeContent) => (part.type === "text" ? (part.text ?? "") : `[${part.type}]`)).join("\n");
}

export function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

export function stringOf(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}
