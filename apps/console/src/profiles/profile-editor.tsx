import { Copy, Lock, Save, SquarePen, Trash2, Undo2 } from "lucide-react";
import { useState } from "react";
import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { paths } from "../routes.ts";
import { useCommands } from "../shell/commands.tsx";
import { useShell } from "../shell/shell-context.ts";
import { useTitle } from "../shell/use-title.ts";
import { Button } from "../ui/button.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { useToast } from "../ui/toast.tsx";
import { DeleteProfile } from "./delete-profile.tsx";
import { elementId, IssuesProvider } from "./field-issues.ts";
import { JsonEditor } from "./json-editor.tsx";
import { ProfileForm } from "./profile-form.tsx";
import { useProfileSchema } from "./profile-schema.ts";
import { useProfileEditor, type ProfileEditor as Editor } from "./use-profile-editor.ts";

export interface ProfileEditorProps {
  /** Undefined: a new one. */
  readonly profileId: string | undefined;
  /** Of a new one: what it begins as. */
  readonly copyOf: string | undefined;
}

const TABS = [
  { value: "form", label: "Fields" },
  { value: "json", label: "JSON" },
] as const;

/** A profile, as a form by the server's schema and as JSON. */
export function ProfileEditor({ profileId, copyOf }: ProfileEditorProps) {
  const editor = useProfileEditor(profileId, copyOf);
  const schema = useProfileSchema();
  const [tab, setTab] = useState<"form" | "json">("form");
  const [isValid, setValid] = useState(true);
  const { save, isKeepable } = useSave(editor, profileId, isValid);
  const { draft, setDraft, issues } = editor;
  const isReadOnly = editor.readOnly !== undefined;
  const title = profileId ?? "New profile";
  useTitle(title, "Profiles");
  const shown = schema === null ? "json" : tab;
  return (
    <div className="mx-auto flex w-full max-w-3xl flex-1 flex-col gap-4 p-4 sm:p-8">
      <nav aria-label="Where you are" className="-mb-3 text-sm text-muted">
        <Link href={paths.profiles} className="underline">
          Profiles
        </Link>
      </nav>
      <Head profileId={profileId} title={title} editor={editor} onSave={() => void save()} isKeepable={isKeepable} />
      <Notes editor={editor} hasPlaces={shown === "json"} onOver={() => void save({ over: true })} />
      {draft !== undefined && (
        <IssuesProvider value={issues}>
          <Tabs
            label="How it is shown"
            tabs={schema === null ? TABS.slice(1) : TABS}
            value={shown}
            onValueChange={(next) => isValid && setTab(next)}
            className="min-h-0 flex-1"
          >
            <div className="flex flex-1 flex-col pt-4">
              {shown === "json" && (
                <JsonEditor
                  key={editor.epoch}
                  draft={draft}
                  onChange={setDraft}
                  onValid={setValid}
                  issues={issues}
                  isReadOnly={isReadOnly}
                />
              )}
              {shown === "form" && schema !== null && schema !== undefined && (
                <ProfileForm
                  schema={schema}
                  draft={draft}
                  onChange={setDraft}
                  hasFixedId={profileId !== undefined}
                  isReadOnly={isReadOnly}
                />
              )}
            </div>
          </Tabs>
        </IssuesProvider>
      )}
    </div>
  );
}

interface HeadProps {
  readonly profileId: string | undefined;
  readonly title: string;
  readonly editor: Editor;
  readonly onSave: () => void;
  readonly isKeepable: boolean;
}

function Head({ profileId, title, editor, onSave, isKeepable }: HeadProps) {
  const { newSession } = useShell();
  const [, navigate] = useLocation();
  const [isAsking, setAsking] = useState(false);
  const { version, isDirty, isSaving, reload, readOnly } = editor;
  return (
    <div className="flex flex-wrap items-center gap-2">
      <div className="mr-auto min-w-0">
        <h1 className="truncate text-xl font-semibold">{title}</h1>
        {version !== undefined && (
          <p className="font-mono text-xs text-muted" title={version}>
            version {version.slice(0, 12)}
          </p>
        )}
      </div>
      {profileId !== undefined && (
        <>
          <Button onClick={() => newSession(profileId)}>
            <SquarePen />
            New session
          </Button>
          <Button
            tone="ghost"
            icon
            aria-label="Copy to a new profile"
            title="Copy to a new profile"
            onClick={() => navigate(`${paths.profiles}?copy=${encodeURIComponent(profileId)}`)}
          >
            <Copy />
          </Button>
          {readOnly === undefined && (
            <Button tone="ghost" icon aria-label="Delete" title="Delete" onClick={() => setAsking(true)}>
              <Trash2 />
            </Button>
          )}
          {isAsking && <DeleteProfile profileId={profileId} onClose={() => setAsking(false)} />}
        </>
      )}
      {readOnly === undefined && (
        <>
          <Button tone="ghost" disabled={!isDirty || isSaving} onClick={reload}>
            <Undo2 />
            Discard
          </Button>
          <Button tone="accent" disabled={!isKeepable} onClick={onSave}>
            <Save />
            {isSaving ? "Saving …" : "Save"}
          </Button>
        </>
      )}
    </div>
  );
}

interface NotesProps {
  readonly editor: Editor;
  /** What is wrong stands below already, with where it is. */
  readonly hasPlaces: boolean;
  readonly onOver: () => void;
}

function Notes({ editor, hasPlaces, onOver }: NotesProps) {
  const { fault, issues, isOutdated, reload, draft, readOnly } = editor;
  if (readOnly !== undefined)
    return (
      <p role="note" className="flex items-center gap-2 rounded-lg border bg-raised px-3 py-2">
        <Lock aria-hidden className="size-4 shrink-0 text-muted" />
        {readOnly}
      </p>
    );
  if (isOutdated)
    return (
      <Note>
        <p className="flex-1">Somebody has changed this profile since you opened it.</p>
        <Button onClick={reload}>Take theirs</Button>
        <Button onClick={onOver}>Save mine over it</Button>
      </Note>
    );
  if (hasPlaces && issues.size > 0) return null;
  if (fault === undefined) return draft === undefined ? <p role="status">Loading …</p> : null;
  return (
    <Note>
      {issues.size === 0 ? (
        <p className="flex-1 break-words">{fault}</p>
      ) : (
        <div className="flex-1">
          <p>{issues.size === 1 ? "A field needs a change:" : `${issues.size} fields need a change:`}</p>
          <ul className="list-disc pl-5">
            {[...issues].map(([path, message]) => (
              <li key={path}>
                <button type="button" className="text-left underline" onClick={() => goTo(path)}>
                  {path === "" ? "the profile" : path}
                </button>
                : {message}
              </li>
            ))}
          </ul>
        </div>
      )}
      {draft === undefined && <Button onClick={reload}>Try again</Button>}
    </Note>
  );
}

function Note({ children }: { readonly children: ReactNode }) {
  return (
    <div role="alert" className="flex flex-wrap items-center gap-2 rounded-lg border border-bad/40 bg-bad/10 px-3 py-2">
      {children}
    </div>
  );
}

/** To a field, or to what it is in. */
function goTo(path: string): void {
  for (let at = path; at !== ""; at = at.includes(".") ? at.slice(0, at.lastIndexOf(".")) : "") {
    const found = document.getElementById(elementId(at));
    if (found === null) continue;
    found.scrollIntoView({ block: "center" });
    found.focus();
    return;
  }
}

function useSave(
  editor: Editor,
  profileId: string | undefined,
  isValid: boolean,
): { readonly save: Editor["save"]; readonly isKeepable: boolean } {
  const toast = useToast();
  const [, navigate] = useLocation();
  const isKeepable =
    editor.readOnly === undefined && isValid && !editor.isSaving && (editor.isDirty || profileId === undefined);
  const save: Editor["save"] = async (options) => {
    const id = await editor.save(options);
    if (id === undefined) return undefined;
    toast(`${id} is saved. New sessions have it; others keep what they began with.`);
    if (profileId === undefined) navigate(paths.profile(id), { replace: true });
    return id;
  };
  useCommands([
    {
      id: "save-profile",
      group: "Profile",
      label: "Save the profile",
      keys: "mod+s",
      icon: <Save />,
      run: () => {
        if (isKeepable) void save();
      },
    },
  ]);
  return { save, isKeepable };
}
