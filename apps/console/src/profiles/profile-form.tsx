import { SECTIONS } from "./field-hints.ts";
import { withField, type JsonObject, type JsonSchema } from "./json-schema.ts";
import { SchemaField } from "./schema-field.tsx";

export interface ProfileFormProps {
  readonly schema: JsonSchema;
  readonly draft: JsonObject;
  readonly onChange: (draft: JsonObject) => void;
  /** It is there already: its id stays. */
  readonly hasFixedId: boolean;
  readonly isReadOnly: boolean;
}

/** A profile's fields, in sections. */
export function ProfileForm({ schema, draft, onChange, hasFixedId, isReadOnly }: ProfileFormProps) {
  const known = new Set(SECTIONS.flatMap(([, fields]) => fields));
  const others = Object.keys(schema.properties ?? {}).filter((name) => !known.has(name));
  const sections = [...SECTIONS, ["More", others] as const];
  return (
    <div className="flex flex-col gap-8">
      {sections.map(([title, names]) => {
        const fields = names.flatMap((name) => {
          const own = schema.properties?.[name];
          return own === undefined ? [] : [{ name, own }];
        });
        if (fields.length === 0) return null;
        return (
          <section key={title} className="flex flex-col gap-4">
            <h2 className="border-b pb-1 font-semibold">{title}</h2>
            {fields.map(({ name, own }) => (
              <SchemaField
                key={name}
                schema={own}
                path={name}
                name={name}
                value={draft[name]}
                isRequired={schema.required?.includes(name) === true}
                disabled={isReadOnly || (name === "id" && hasFixedId)}
                onChange={(value) => onChange(withField(draft, name, value))}
              />
            ))}
          </section>
        );
      })}
    </div>
  );
}
