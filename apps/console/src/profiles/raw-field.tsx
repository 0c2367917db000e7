import { useState } from "react";
import { Textarea } from "../ui/input.tsx";
import type { Json } from "./json-schema.ts";
import { errorText } from "../ui/error-text.ts";

export interface RawFieldProps {
  readonly id: string;
  readonly label: string;
  readonly value: Json | undefined;
  readonly onChange: (value: Json | undefined) => void;
  readonly disabled: boolean;
}

/** A value as JSON, for what a form does not know. What is no JSON yet stays in the field, and changes nothing. */
export function RawField({ id, label, value, onChange, disabled }: RawFieldProps) {
  const [text, setText] = useState(() => (value === undefined ? "" : JSON.stringify(value, null, 2)));
  const [fault, setFault] = useState<string>();
  const change = (next: string): void => {
    setText(next);
    try {
      onChange(next.trim() === "" ? undefined : (JSON.parse(next) as Json));
      setFault(undefined);
    } catch (error) {
      setFault(errorText(error));
    }
  };
  return (
    <>
      <Textarea
        id={id}
        aria-label={`${label}, as JSON`}
        aria-invalid={fault !== undefined}
        rows={4}
        spellCheck={false}
        disabled={disabled}
        className="resize-y font-mono"
        value={text}
        onChange={(event) => change(event.target.value)}
      />
      {fault !== undefined && <p className="text-sm text-bad">{fault}</p>}
    </>
  );
}
