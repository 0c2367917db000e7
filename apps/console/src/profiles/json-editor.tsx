import { useRef, useState } from "react";
import { Button } from "../ui/button.tsx";
import { Textarea } from "../ui/input.tsx";
import type { FieldIssues } from "./field-issues.ts";
import { lineOf, placeOf } from "./json-place.ts";
import { isObject, type Json, type JsonObject } from "./json-schema.ts";
import { textOf } from "./profile-draft.ts";

export interface JsonEditorProps {
  readonly draft: JsonObject;
  readonly onChange: (draft: JsonObject) => void;
  /** Whether the text is a document now; while it is none there is nothing to save. */
  readonly onValid: (isValid: boolean) => void;
  readonly issues: FieldIssues;
  readonly isReadOnly: boolean;
}

/** The whole document as text; what is wrong leads to where it stands. */
export function JsonEditor({ draft, onChange, onValid, issues, isReadOnly }: JsonEditorProps) {
  const [text, setText] = useState(() => textOf(draft));
  const [fault, setFault] = useState<string>();
  const area = useRef<HTMLTextAreaElement>(null);
  const change = (next: string): void => {
    setText(next);
    const parsed = parse(next);
    setFault(typeof parsed === "string" ? parsed : undefined);
    onValid(typeof parsed !== "string");
    if (typeof parsed !== "string") onChange(parsed);
  };
  const show = (path: string): void => {
    const { start, end } = placeOf(text, path);
    area.current?.focus();
    area.current?.setSelectionRange(start, end);
    // Browsers do not bring a selection into view by themselves.
    const lines = text.split("\n").length;
    if (area.current !== null)
      area.current.scrollTop = ((lineOf(text, { start, end }) - 3) / lines) * area.current.scrollHeight;
  };
  return (
    <div className="flex min-h-0 flex-1 flex-col gap-2">
      {fault !== undefined && (
        <p role="alert" className="text-bad">
          {fault}
        </p>
      )}
      {issues.size > 0 && fault === undefined && (
        <ul className="flex flex-col">
          {[...issues].map(([path, message]) => (
            <li key={path}>
              <Button tone="ghost" className="h-auto min-h-8 w-full justify-start text-left" onClick={() => show(path)}>
                <span className="shrink-0 text-xs text-muted">line {lineOf(text, placeOf(text, path))}</span>
                <code className="text-xs">{path === "" ? "document" : path}</code>
                <span className="text-bad">{message}</span>
              </Button>
            </li>
          ))}
        </ul>
      )}
      <Textarea
        ref={area}
        aria-label="The profile as JSON"
        aria-invalid={fault !== undefined || issues.size > 0}
        spellCheck={false}
        readOnly={isReadOnly}
        className="min-h-[60vh] flex-1 resize-y font-mono text-[13px] leading-5 whitespace-pre"
        value={text}
        onChange={(event) => change(event.target.value)}
      />
    </div>
  );
}

/** A document, or why it is none. */
function parse(text: string): JsonObject | string {
  try {
    const value = JSON.parse(text) as Json;
    return isObject(value) ? value : "A profile is an object: { … }.";
  } catch (error) {
    return `This is not JSON yet. ${error instanceof Error ? error.message : String(error)}`;
  }
}
