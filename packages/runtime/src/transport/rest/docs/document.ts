/** The parts of an OpenAPI 3.1 document that the page of the reference reads. */

/** A JSON schema; `{}` is anything. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
  readonly oneOf?: readonly Schema[];
  readonly anyOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly format?: string;
  readonly pattern?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly maxItems?: number;
}

export type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

export interface Operation {
  readonly summary?: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly required?: boolean;
    readonly schema?: Schema;
  }[];
  readonly requestBody?: { readonly content: Content };
  readonly responses?: Readonly<Record<string, { readonly description?: string; readonly content?: Content }>>;
}

export interface ApiDocument {
  readonly info?: { readonly title?: string; readonly description?: string };
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>>; readonly securitySchemes?: object };
}

/** An operation with where it stands. */
export interface PlacedOperation {
  readonly method: string;
  readonly path: string;
  readonly operation: Operation;
}

/** The document with what its references name beside each of them, but not inside of itself. */
export function unfolded(document: ApiDocument): ApiDocument {
  const { schemas = {} } = document.components ?? {};
  const inner = (value: unknown, above: readonly string[]): unknown => {
    if (Array.isArray(value)) return value.map((item) => inner(item, above));
    if (typeof value !== "object" || value === null) return value;
    const name = "$ref" in value ? String(value.$ref).split("/").at(-1) : undefined;
    if (name !== undefined)
      return above.includes(name) ? value : { ...(inner(schemas[name], [...above, name]) as Schema), ...value };
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner(item, above)]));
  };
  const named = Object.entries(schemas).map(([name, schema]) => [name, inner(schema, [name])]);
  return {
    ...document,
    paths: inner(document.paths ?? {}, []) as NonNullable<ApiDocument["paths"]>,
    components: { schemas: Object.fromEntries(named) as Record<string, Schema> },
  };
}

const METHODS = ["get", "post", "put", "patch", "delete"] as const;

/** Every operation of the document, in the order of its paths. */
export function operationsOf({ paths = {} }: ApiDocument): PlacedOperation[] {
  return Object.entries(paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [{ method, path, operation }];
    }),
  );
}

/** The anchor of an operation in the page. It stays what it is as long as the route does. */
export function anchorOf({ method, path }: Pick<PlacedOperation, "method" | "path">): string {
  return [method, ...path.split("/").filter(Boolean)].join("-").replace(/[{}]/g, "");
}
