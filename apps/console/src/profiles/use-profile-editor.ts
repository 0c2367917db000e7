import { ClientError, useAgentService } from "@hhopkins/agent-runtime-react";
import type { AgentProfile } from "@hhopkins/agent-runtime-protocol";
import { useCallback, useEffect, useState } from "react";
import type { FieldIssues } from "./field-issues.ts";
import type { JsonObject } from "./json-schema.ts";
import { keptDrafts } from "./kept-drafts.ts";
import { cleaned, issuesOf, NEW_PROFILE, textOf } from "./profile-draft.ts";
import { profilesChanged } from "./use-profiles.ts";
import { errorText } from "../ui/error-text.ts";

export interface ProfileEditor {
  /** Undefined while it is fetched, and where that failed. */
  readonly draft: JsonObject | undefined;
  readonly setDraft: (draft: JsonObject) => void;
  /** Of the content that the server has; undefined for what is new. */
  readonly version: string | undefined;
  /** Why it cannot be changed here. */
  readonly readOnly: string | undefined;
  /** Counts up whenever the draft is begun anew. */
  readonly epoch: number;
  readonly isDirty: boolean;
  readonly isSaving: boolean;
  /** What is wrong as a whole. */
  readonly fault: string | undefined;
  readonly issues: FieldIssues;
  /** Somebody else has changed it since it was fetched. */
  readonly isOutdated: boolean;
  /** Resolves with its id once it is kept; undefined where it is not. `over`: also over what somebody else has done. */
  readonly save: (options?: { readonly over?: boolean }) => Promise<string | undefined>;
  /** Fetches what the server has, and leaves what was changed here. */
  readonly reload: () => void;
}

interface Loaded {
  readonly original: JsonObject;
  readonly version?: string;
  readonly readOnly?: string | undefined;
}

const NO_ISSUES: FieldIssues = new Map();

/** A profile to be read and changed. `id` undefined: a new one, which begins as a copy of `copyOf` where that is named. */
export function useProfileEditor(id: string | undefined, copyOf: string | undefined): ProfileEditor {
  const { client } = useAgentService();
  const [loaded, setLoaded] = useState<Loaded>();
  const [draft, setDraft] = useState<JsonObject>();
  const [epoch, setEpoch] = useState(0);
  const [isSaving, setSaving] = useState(false);
  const [fault, setFault] = useState<string>();
  const [issues, setIssues] = useState<FieldIssues>(NO_ISSUES);
  const [isOutdated, setOutdated] = useState(false);

  const key = id ?? `?${copyOf ?? ""}`;
  const begin = useCallback((next: Loaded, changed: JsonObject = next.original) => {
    setLoaded(next);
    setDraft(changed);
    setEpoch((before) => before + 1);
    setFault(undefined);
    setIssues(NO_ISSUES);
    setOutdated(false);
  }, []);
  const load = useCallback(() => {
    const source = id ?? copyOf;
    const kept = keptDrafts(client).get(key);
    const start = (next: Loaded): void => {
      begin(next, kept?.draft);
      setOutdated(kept !== undefined && kept.version !== next.version);
    };
    if (source === undefined) return start({ original: NEW_PROFILE });
    client.getProfile(source).then(
      ({ profile, version, readOnly }) => {
        if (id !== undefined) start({ original: profile, version, readOnly });
        else start({ original: { ...(profile as JsonObject), id: "", name: `${profile.name} (copy)` } });
      },
      (error: unknown) => setFault(errorText(error)),
    );
  }, [client, id, copyOf, key, begin]);
  useEffect(load, [load]);

  const save = async ({ over = false } = {}): Promise<string | undefined> => {
    if (draft === undefined || loaded === undefined) return undefined;
    setSaving(true);
    setFault(undefined);
    setIssues(NO_ISSUES);
    try {
      const content = cleaned(draft) as unknown as AgentProfile;
      if (id !== undefined && !over && (await client.getProfile(id)).version !== loaded.version) {
        setOutdated(true);
        return undefined;
      }
      const kept = await (id === undefined ? client.createProfile(content) : client.replaceProfile(content));
      begin({ original: kept.profile, version: kept.version });
      profilesChanged();
      return kept.profile.id;
    } catch (error) {
      setFault(errorText(error));
      if (error instanceof ClientError) setIssues(issuesOf(error.issues));
      return undefined;
    } finally {
      setSaving(false);
    }
  };
  const isDirty = draft !== undefined && loaded !== undefined && textOf(draft) !== textOf(loaded.original);
  useWarning(isDirty);
  useEffect(() => {
    if (draft === undefined) return;
    if (isDirty) keptDrafts(client).set(key, { version: loaded?.version, draft });
    else keptDrafts(client).delete(key);
  }, [client, key, draft, isDirty, loaded]);
  const reload = useCallback(() => {
    keptDrafts(client).delete(key);
    load();
  }, [client, key, load]);
  return {
    draft,
    setDraft,
    version: loaded?.version,
    readOnly: loaded?.readOnly,
    epoch,
    isDirty,
    isSaving,
    fault,
    issues,
    isOutdated,
    save,
    reload,
  };
}

/** The browser asks before it leaves what is not saved. */
function useWarning(isDirty: boolean): void {
  useEffect(() => {
    if (!isDirty) return;
    const ask = (event: BeforeUnloadEvent): void => event.preventDefault();
    addEventListener("beforeunload", ask);
    return () => removeEventListener("beforeunload", ask);
  }, [isDirty]);
}
