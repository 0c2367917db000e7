import type { ComponentType } from "react";
import type { Json, JsonSchema } from "./json-schema.ts";

export interface SchemaFieldProps {
  readonly schema: JsonSchema;
  /** Where it is in the document, such as `skills.0.name`. */
  readonly path: string;
  readonly name: string;
  readonly value: Json | undefined;
  /** Undefined: the field is to be absent. */
  readonly onChange: (value: Json | undefined) => void;
  readonly isRequired?: boolean;
  /** Of what is fixed once it is made. */
  readonly disabled?: boolean;
  /** Where something else has the title already. */
  readonly hasTitle?: boolean;
}

/** Of what has fields inside: how each of them is shown. */
export interface OuterFieldProps extends SchemaFieldProps {
  readonly Field: ComponentType<SchemaFieldProps>;
}
