import type { CreateSessionBody, SessionOptions } from "@hhopkins/agent-runtime-protocol";
import type { EFFORTS, MODES } from "../session/option-choices.ts";

/** Agent harnesses that a session can name, as the server knows them. */
export const ARCHITECTURES = [{ value: "claude-agent-sdk", label: "Claude Agent SDK" }] as const;

/** A file that a person chose, to lie in the workspace from the start. */
export interface FirstFile {
  readonly path: string;
  readonly base64: string;
  readonly size: number;
}

/** What the dialog's fields hold; empty is what the profile says. */
export interface NewSessionForm {
  readonly profile: string;
  readonly architecture: string;
  readonly name: string;
  readonly model: string;
  readonly effort: "" | (typeof EFFORTS)[number];
  readonly permissionMode: "" | (typeof MODES)[number]["value"];
  readonly files: readonly FirstFile[];
  readonly message: string;
}

export const EMPTY_FORM: NewSessionForm = {
  profile: "",
  architecture: ARCHITECTURES[0].value,
  name: "",
  model: "",
  effort: "",
  permissionMode: "",
  files: [],
  message: "",
};

/** A name from the first line of what is to be done, where none was given. */
export function nameFrom({ name, message }: Pick<NewSessionForm, "name" | "message">): string | undefined {
  const given = name.trim() === "" ? (message.trim().split("\n", 1)[0] ?? "") : name.trim();
  const short = given.length > 60 ? `${given.slice(0, 59).trimEnd()}…` : given;
  return short === "" ? undefined : short;
}

export function bodyOf(form: NewSessionForm): CreateSessionBody {
  const { profile, architecture, model, effort, permissionMode, files } = form;
  const name = nameFrom(form);
  const sessionOptions: SessionOptions = {
    ...(model.trim() === "" ? {} : { model: model.trim() }),
    ...(effort === "" ? {} : { effort }),
    ...(permissionMode === "" ? {} : { permissionMode }),
  };
  return {
    agentProfileRef: profile,
    architecture,
    ...(name === undefined ? {} : { name }),
    ...(Object.keys(sessionOptions).length === 0 ? {} : { sessionOptions }),
    ...(files.length === 0
      ? {}
      : { defaultWorkspaceFiles: files.map(({ path, base64 }) => ({ path, content: base64, encoding: "base64" })) }),
  };
}
