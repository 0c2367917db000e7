import type { Ask } from "@hhopkins/agent-runtime-react";
import { Check } from "lucide-react";
import { useState } from "react";
import { Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Input } from "../ui/input.tsx";
import { Select } from "../ui/select.tsx";
import type { Answering } from "./answering.ts";
import { DenyField } from "./deny-field.tsx";
import { contentOf, fieldsOf, type ElicitationField, type FieldValue, type FieldValues } from "./elicitation-fields.ts";
import { InputEditor } from "./input-editor.tsx";

interface ElicitationAskProps {
  readonly ask: Ask;
  readonly answering: Answering;
}

/** What an MCP server wants to know, as a form by its schema. */
export function ElicitationAsk({ ask, answering }: ElicitationAskProps) {
  const { requestedSchema, url } = ask.details ?? {};
  const fields = requestedSchema === undefined ? [] : fieldsOf(requestedSchema);
  return (
    <>
      {typeof url === "string" && <Address url={url} />}
      {fields === undefined ? (
        <InputEditor input={{}} onSave={(content) => answering.allow({ content })} />
      ) : (
        <ElicitationForm fields={fields} askId={ask.askId} answering={answering} />
      )}
      {fields === undefined && <DenyField answering={answering} label="Decline" />}
    </>
  );
}

function Address({ url }: { readonly url: string }) {
  if (!/^https?:\/\//.test(url)) return <p className="font-mono text-xs break-all">{url}</p>;
  return (
    <a
      href={url}
      target="_blank"
      rel="noopener noreferrer"
      className="font-mono text-xs break-all text-accent underline"
    >
      {url}
    </a>
  );
}

interface ElicitationFormProps {
  readonly fields: readonly ElicitationField[];
  readonly askId: string;
  readonly answering: Answering;
}

function ElicitationForm({ fields, askId, answering }: ElicitationFormProps) {
  const [values, setValues] = useState<FieldValues>({});
  const [isTried, setTried] = useState(false);
  const { content, errors } = contentOf(fields, values);
  const isGood = Object.keys(errors).length === 0;
  return (
    <>
      <form
        id={`${askId}-form`}
        noValidate
        className="flex flex-col gap-2.5"
        onSubmit={(event) => {
          event.preventDefault();
          setTried(true);
          if (isGood) answering.allow({ content });
        }}
      >
        {fields.map((field) => (
          <Field
            key={field.name}
            label={field.isRequired ? `${field.label} (needed)` : field.label}
            hint={field.description}
            error={isTried ? errors[field.name] : undefined}
          >
            {(control) => (
              <Control
                field={field}
                control={control}
                value={values[field.name] ?? field.initial}
                onChange={(value) => setValues((before) => ({ ...before, [field.name]: value }))}
              />
            )}
          </Field>
        ))}
      </form>
      <div className="flex flex-wrap items-center gap-2">
        <Button type="submit" form={`${askId}-form`} tone="accent">
          <Check /> Send
        </Button>
        <DenyField answering={answering} label="Decline" />
      </div>
    </>
  );
}

interface ControlProps {
  readonly field: ElicitationField;
  readonly control: {
    readonly id: string;
    readonly "aria-describedby": string | undefined;
    readonly "aria-invalid": boolean;
  };
  readonly value: FieldValue;
  readonly onChange: (value: FieldValue) => void;
}

function Control({ field, control, value, onChange }: ControlProps) {
  const { kind, options, inputType, isRequired } = field;
  switch (kind) {
    case "boolean":
      return (
        <input
          {...control}
          type="checkbox"
          className="size-5 accent-(--accent)"
          checked={value === true}
          onChange={({ target }) => onChange(target.checked)}
        />
      );
    case "choice":
      return (
        <Select
          {...control}
          value={String(value)}
          required={isRequired}
          options={[{ value: "", label: "Choose…" }, ...options]}
          onChange={({ target }) => onChange(target.value)}
        />
      );
    case "choices":
      return <Choices {...{ field, control, onChange }} value={Array.isArray(value) ? value : []} />;
    case "text":
    case "number":
    case "integer":
      return (
        <Input
          {...control}
          type={inputType}
          inputMode={kind === "text" ? undefined : "decimal"}
          required={isRequired}
          value={String(value)}
          onChange={({ target }) => onChange(target.value)}
        />
      );
  }
}

interface ChoicesProps extends Omit<ControlProps, "value"> {
  readonly value: readonly string[];
}

function Choices({ field, control, value, onChange }: ChoicesProps) {
  return (
    <div id={control.id} role="group" aria-label={field.label} className="flex flex-col">
      {field.options.map((option) => (
        <label key={option.value} className="flex min-h-6 items-center gap-2">
          <input
            type="checkbox"
            className="accent-(--accent)"
            checked={value.includes(option.value)}
            onChange={({ target }) =>
              onChange(target.checked ? [...value, option.value] : value.filter((one) => one !== option.value))
            }
          />
          {option.label}
        </label>
      ))}
    </div>
  );
}
