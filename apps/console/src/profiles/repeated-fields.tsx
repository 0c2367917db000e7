import { ChevronRight, Plus, Trash2 } from "lucide-react";
import { useState } from "react";
import type { ReactNode } from "react";
import { Button } from "../ui/button.tsx";
import { Input } from "../ui/input.tsx";
import { useHasIssues } from "./field-issues.ts";
import { emptyOf, isObject, titleOf, withField, type Json, type JsonObject } from "./json-schema.ts";
import type { OuterFieldProps } from "./schema-field-props.ts";

/** Objects one after the other, each folded under its name. */
export function ListField({ Field, schema, path, name, value, onChange, disabled = false }: OuterFieldProps) {
  const items = Array.isArray(value) ? (value as readonly Json[]) : [];
  const own = schema.items ?? {};
  const change = (next: readonly Json[]): void => onChange(next.length === 0 ? undefined : next);
  return (
    <div className="flex flex-col gap-2">
      {items.map((item, index) => (
        <Item
          // oxlint-disable-next-line react/no-array-index-key -- items have no other identity while one types their names
          key={index}
          title={itemTitle(item, index)}
          path={`${path}.${index}`}
          disabled={disabled}
          onRemove={() => change(items.filter((_, other) => other !== index))}
        >
          <Field
            schema={own}
            path={`${path}.${index}`}
            name={name}
            value={item}
            isRequired
            hasTitle={false}
            disabled={disabled}
            onChange={(next) => change(items.map((other, at) => (at === index ? (next ?? emptyOf(own)) : other)))}
          />
        </Item>
      ))}
      <Button className="self-start" disabled={disabled} onClick={() => change([...items, emptyOf(own)])}>
        <Plus />
        Add to {titleOf(name).toLowerCase()}
      </Button>
    </div>
  );
}

function itemTitle(item: Json, index: number): string {
  const { name, path } = isObject(item) ? item : ({} as JsonObject);
  const title = typeof name === "string" ? name : path;
  return typeof title === "string" && title !== "" ? title : `${index + 1}.`;
}

interface ItemProps {
  readonly title: string;
  readonly path: string;
  readonly disabled: boolean;
  readonly onRemove: () => void;
  readonly children: ReactNode;
}

function Item({ title, path, disabled, onRemove, children }: ItemProps) {
  const [isOpen, setOpen] = useState(/^\d+\.$/.test(title));
  const isWrong = useHasIssues(path);
  const shown = isOpen || isWrong;
  return (
    <div className="rounded-lg border">
      <div className="flex items-center gap-1 p-1">
        <button
          type="button"
          aria-expanded={shown}
          className="flex h-8 min-w-0 flex-1 items-center gap-1.5 rounded-md px-1.5 text-left font-medium hover:bg-raised"
          onClick={() => setOpen(!isOpen)}
        >
          <ChevronRight aria-hidden className={`size-4 shrink-0 text-muted ${shown ? "rotate-90" : ""}`} />
          <span className="truncate">{title}</span>
          {isWrong && <span className="text-xs text-bad">needs a change</span>}
        </button>
        <Button tone="ghost" icon disabled={disabled} aria-label={`Remove ${title}`} onClick={onRemove}>
          <Trash2 />
        </Button>
      </div>
      {shown && <div className="border-t p-2">{children}</div>}
    </div>
  );
}

/** Names with values, such as variables. */
export function RecordField({ Field, schema, path, name, value, onChange, disabled = false }: OuterFieldProps) {
  const record = isObject(value) ? value : {};
  const own = typeof schema.additionalProperties === "object" ? schema.additionalProperties : {};
  const [added, setAdded] = useState("");
  const change = (next: JsonObject): void => onChange(Object.keys(next).length === 0 ? undefined : next);
  const add = (): void => {
    if (added.trim() === "" || added in record) return;
    change({ ...record, [added.trim()]: emptyOf(own) });
    setAdded("");
  };
  return (
    <div className="flex flex-col gap-2">
      {Object.entries(record).map(([key, item]) => (
        <div key={key} className="flex items-start gap-2 rounded-lg border p-2">
          <code className="w-1/3 min-w-0 shrink-0 truncate pt-1.5 text-xs" title={key}>
            {key}
          </code>
          <div className="min-w-0 flex-1">
            <Field
              schema={own}
              path={`${path}.${key}`}
              name={key}
              value={item}
              isRequired
              hasTitle={false}
              disabled={disabled}
              onChange={(next) => change(withField(record, key, next))}
            />
          </div>
          <Button
            tone="ghost"
            icon
            disabled={disabled}
            aria-label={`Remove ${key}`}
            onClick={() => change(withField(record, key, undefined))}
          >
            <Trash2 />
          </Button>
        </div>
      ))}
      <div className="flex gap-2">
        <Input
          aria-label={`A name to add to ${titleOf(name).toLowerCase()}`}
          placeholder="NAME"
          className="max-w-xs font-mono"
          disabled={disabled}
          value={added}
          onChange={(event) => setAdded(event.target.value)}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            add();
          }}
        />
        <Button disabled={disabled || added.trim() === "" || added in record} onClick={add}>
          <Plus />
          Add
        </Button>
      </div>
    </div>
  );
}
