import { useState } from "react";
import { Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Textarea } from "../ui/input.tsx";

interface InputEditorProps {
  readonly input: Readonly<Record<string, unknown>>;
  readonly onSave: (input: Record<string, unknown>) => void;
  /** Without: there is nowhere to go back to. */
  readonly onCancel?: () => void;
}

/** What a tool is called with instead, as JSON. */
export function InputEditor({ input, onSave, onCancel }: InputEditorProps) {
  const [text, setText] = useState(() => JSON.stringify(input, null, 2));
  const parsed = parse(text);
  return (
    <form
      className="flex flex-col gap-2.5"
      onSubmit={(event) => {
        event.preventDefault();
        if (parsed.input !== undefined) onSave(parsed.input);
      }}
    >
      <Field label="Call it with this instead" error={parsed.error}>
        {(control) => (
          <Textarea
            {...control}
            autoFocus
            spellCheck={false}
            rows={Math.min(14, text.split("\n").length + 1)}
            className="font-mono text-xs"
            value={text}
            onChange={(event) => setText(event.target.value)}
          />
        )}
      </Field>
      <div className="flex justify-end gap-2">
        {onCancel !== undefined && <Button onClick={onCancel}>Back</Button>}
        <Button type="submit" tone="accent" disabled={parsed.input === undefined}>
          Allow with this
        </Button>
      </div>
    </form>
  );
}

function parse(text: string): { readonly input?: Record<string, unknown>; readonly error?: string } {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return { input: { ...value } };
    return { error: "It must be an object: { … }." };
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) };
  }
}
