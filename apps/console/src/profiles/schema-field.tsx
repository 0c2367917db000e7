import { Input, Textarea } from "../ui/input.tsx";
import { Select } from "../ui/select.tsx";
import { elementId, useIssue } from "./field-issues.ts";
import { HINTS, LONG_TEXTS } from "./field-hints.ts";
import { emptyOf, isObject, kindOf, titleOf, variantName, variantOf, withField } from "./json-schema.ts";
import type { Json } from "./json-schema.ts";
import { RawField } from "./raw-field.tsx";
import { ListField, RecordField } from "./repeated-fields.tsx";
import type { SchemaFieldProps } from "./schema-field-props.ts";

/** A field of a document, by its schema: the form is what the server's schema says. */
export function SchemaField(props: SchemaFieldProps) {
  const { path, name, isRequired = false, hasTitle = true } = props;
  const issue = useIssue(path);
  const id = elementId(path);
  const kind = kindOf(props.schema);
  const isOne = ["choice", "text", "number", "lines"].includes(kind);
  // The form that it has is a field of its own, of the same path.
  const isOuter = kind === "variants" && props.value !== undefined;
  const Title = isOne ? "label" : "span";
  const hint = path.includes(".") || !hasTitle ? undefined : HINTS[name];
  return (
    <div
      className="flex min-w-0 flex-col gap-1"
      {...(isOne ? {} : { role: "group", "aria-label": titleOf(name) })}
      {...(isOne || isOuter ? {} : { id })}
    >
      {hasTitle && (
        <Title {...(isOne ? { htmlFor: id } : {})} className="flex items-baseline gap-2 font-medium">
          {titleOf(name)}
          {isRequired && <span className="text-xs font-normal text-muted">needed</span>}
        </Title>
      )}
      {hint !== undefined && (
        <p id={`${id}-hint`} className="text-xs text-muted">
          {hint}
        </p>
      )}
      <Control {...props} id={id} isWrong={issue !== undefined} hasHint={hint !== undefined} />
      {issue !== undefined && !isOuter && (
        <p id={`${id}-issue`} className="text-sm text-bad">
          {issue}
        </p>
      )}
    </div>
  );
}

interface ControlProps extends SchemaFieldProps {
  readonly id: string;
  readonly isWrong: boolean;
  readonly hasHint: boolean;
}

function Control(props: ControlProps) {
  const { schema, name, path, value, onChange, id, isWrong, hasHint, isRequired = false, disabled = false } = props;
  const described = [hasHint && `${id}-hint`, isWrong && `${id}-issue`].filter(Boolean).join(" ");
  const common = {
    id,
    disabled,
    "aria-invalid": isWrong,
    "aria-required": isRequired,
    ...(props.hasTitle === false ? { "aria-label": titleOf(name) } : {}),
    ...(described === "" ? {} : { "aria-describedby": described }),
  };
  const text = typeof value === "string" ? value : "";
  /** An empty field that need not be there is not there. */
  const setText = (next: string): void => onChange(next === "" && !isRequired ? undefined : next);
  switch (kindOf(schema)) {
    case "choice":
      return (
        <Select
          {...common}
          className="w-full sm:max-w-xs"
          value={text}
          onChange={(event) => setText(event.target.value)}
          options={[...(isRequired ? [] : [{ value: "", label: "Not set" }]), ...(schema.enum ?? [])]}
        />
      );
    case "text":
      return LONG_TEXTS.has(name) ? (
        <Textarea
          {...common}
          rows={5}
          className="resize-y font-mono"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
      ) : (
        <Input {...common} value={text} onChange={(event) => setText(event.target.value)} />
      );
    case "number":
      return (
        <Input
          {...common}
          type="number"
          step={schema.type === "integer" ? 1 : "any"}
          className="sm:max-w-xs"
          value={typeof value === "number" ? value : ""}
          onChange={({ target }) => onChange(Number.isNaN(target.valueAsNumber) ? undefined : target.valueAsNumber)}
        />
      );
    case "lines":
      return (
        <Textarea
          {...common}
          rows={Math.min(8, Math.max(2, Array.isArray(value) ? value.length + 1 : 2))}
          className="resize-y font-mono"
          value={Array.isArray(value) ? value.join("\n") : ""}
          onChange={({ target }) => onChange(linesOf(target.value, isRequired))}
        />
      );
    case "group":
      return <GroupField {...props} />;
    case "variants":
      return <VariantsField {...props} />;
    case "list":
      return <ListField {...props} Field={SchemaField} />;
    case "record":
      return <RecordField {...props} Field={SchemaField} />;
    case "json":
      return <RawField id={id} label={path} value={value} onChange={onChange} disabled={disabled} />;
  }
}

/** Empty lines stay while they are typed: the last one is where the next item will be. */
function linesOf(text: string, isRequired: boolean): Json | undefined {
  return text === "" && !isRequired ? undefined : text.split("\n");
}

/** An object's fields; one that has none any more is absent. */
export function GroupField({ schema, path, value, onChange, isRequired = false, disabled = false }: SchemaFieldProps) {
  const object = isObject(value) ? value : {};
  const change = (name: string, next: Json | undefined): void => {
    const changed = withField(object, name, next);
    onChange(Object.keys(changed).length === 0 && !isRequired ? undefined : changed);
  };
  return (
    <div className="flex flex-col gap-3 rounded-lg border p-3">
      {Object.entries(schema.properties ?? {}).map(([name, own]) => (
        <SchemaField
          key={name}
          schema={own}
          path={`${path}.${name}`}
          name={name}
          value={object[name]}
          isRequired={schema.required?.includes(name) === true}
          disabled={disabled}
          onChange={(next) => change(name, next)}
        />
      ))}
    </div>
  );
}

function VariantsField(props: SchemaFieldProps) {
  const { schema, name, value, onChange, isRequired = false, disabled = false } = props;
  const variants = schema.anyOf ?? [];
  const chosen = variantOf(value, variants);
  const own = variants[chosen] ?? {};
  return (
    <div className="flex flex-col gap-2">
      <Select
        aria-label={`Form of ${titleOf(name)}`}
        className="w-full sm:max-w-xs"
        disabled={disabled}
        value={value === undefined ? "" : String(chosen)}
        onChange={({ target }) =>
          onChange(target.value === "" ? undefined : emptyOf(variants[Number(target.value)] ?? {}))
        }
        options={[
          ...(isRequired ? [] : [{ value: "", label: "Not set" }]),
          ...variants.map((variant, index) => ({ value: String(index), label: variantName(variant) })),
        ]}
      />
      {value !== undefined && <SchemaField key={chosen} {...props} schema={own} isRequired hasTitle={false} />}
    </div>
  );
}
