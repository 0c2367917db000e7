/** Inputs of tools are what a model wrote: a field may be missing, or of any kind. */
type Input = Readonly<Record<string, unknown>>;

export function textField(input: Input, name: string): string | undefined {
  const value = input[name];
  return typeof value === "string" ? value : undefined;
}

/** A file of the workspace by the path that a tool was given; undefined for what lies outside. */
export function workspacePath(path: string): string | undefined {
  const inside = path.replace(/^\/workspace\//, "").replace(/^\.\//, "");
  return inside === "" || inside.startsWith("/") || inside.split("/").includes("..") ? undefined : inside;
}

/** `Server · tool` of `mcp__server__tool`; other names as they are. */
export function toolTitle(name: string): string {
  const [, server, tool] = /^mcp__(.+?)__(.+)$/.exec(name) ?? [];
  return server === undefined || tool === undefined ? name : `${server} · ${tool}`;
}

/** What says most of a call in one line. */
const TELLING = ["file_path", "command", "pattern", "query", "path", "url", "description", "prompt", "name"] as const;
const MOST = 160;

export function toolSummary(toolName: string, input: Input): string {
  const own = toolName === "Bash" || toolName === "Agent" || toolName === "Task" ? ["description", "command"] : [];
  for (const name of [...own, ...TELLING]) {
    const value = textField(input, name);
    if (value !== undefined && value !== "") return oneLine(value);
  }
  const first = Object.values(input).find((value) => typeof value === "string" || typeof value === "number");
  return first === undefined ? "" : oneLine(String(first));
}

function oneLine(text: string): string {
  const line = text
    .slice(0, MOST * 2)
    .replace(/\s+/g, " ")
    .trim();
  return line.length > MOST ? `${line.slice(0, MOST)}…` : line;
}

export interface Edit {
  readonly before: string;
  readonly after: string;
}

/** What a call changes of a file: of Edit, MultiEdit and Write; undefined for other tools, and for inputs that are none. */
export function editsOf(toolName: string, input: Input): readonly Edit[] | undefined {
  if (toolName === "Write") {
    const content = textField(input, "content");
    return content === undefined ? undefined : [{ before: "", after: content }];
  }
  if (toolName === "Edit") {
    const edit = editOf(input);
    return edit === undefined ? undefined : [edit];
  }
  if (toolName !== "MultiEdit" || !Array.isArray(input.edits)) return undefined;
  const edits = input.edits.map((edit: unknown) => (isInput(edit) ? editOf(edit) : undefined));
  return edits.every((edit) => edit !== undefined) ? edits : undefined;
}

function editOf(input: Input): Edit | undefined {
  const before = textField(input, "old_string");
  const after = textField(input, "new_string");
  return before === undefined || after === undefined ? undefined : { before, after };
}

export type TodoStatus = "pending" | "in_progress" | "completed";

export interface Todo {
  readonly text: string;
  readonly status: TodoStatus;
}

/** The list of TodoWrite; undefined where it is none. */
export function todosOf(toolName: string, input: Input): readonly Todo[] | undefined {
  if (toolName !== "TodoWrite" || !Array.isArray(input.todos)) return undefined;
  return input.todos.filter(isInput).map((todo) => ({
    text: textField(todo, "content") ?? "",
    status: statusOf(textField(todo, "status")),
  }));
}

function statusOf(status: string | undefined): TodoStatus {
  return status === "completed" || status === "in_progress" ? status : "pending";
}

function isInput(value: unknown): value is Input {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
