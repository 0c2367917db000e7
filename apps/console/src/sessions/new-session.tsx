import { useAgentService } from "@hhopkins/agent-runtime-react";
import { ChevronRight } from "lucide-react";
import { useState } from "react";
import type { FormEvent } from "react";
import { useLocation } from "wouter";
import { useProfiles } from "../profiles/use-profiles.ts";
import { paths } from "../routes.ts";
import { EFFORTS, MODES } from "../session/option-choices.ts";
import { Button } from "../ui/button.tsx";
import { Dialog } from "../ui/dialog.tsx";
import { Field } from "../ui/field.tsx";
import { Input, Textarea } from "../ui/input.tsx";
import { Select } from "../ui/select.tsx";
import { FirstFiles } from "./first-files.tsx";
import { ARCHITECTURES, bodyOf, EMPTY_FORM, type NewSessionForm } from "./new-session-form.ts";
import { errorText } from "../ui/error-text.ts";

export interface NewSessionProps {
  readonly profileId: string | undefined;
  readonly onClose: () => void;
}

/** Makes a session, sends its first message if there is one, and goes there. */
export function NewSession({ profileId, onClose }: NewSessionProps) {
  const { profiles, isLoading, fault: profilesFault } = useProfiles();
  const [form, setForm] = useState<NewSessionForm>({ ...EMPTY_FORM, profile: profileId ?? "" });
  const { create, isBusy, fault } = useCreate(onClose);
  const change = (next: Partial<NewSessionForm>): void => setForm((before) => ({ ...before, ...next }));
  const profile = form.profile === "" ? (profiles[0]?.id ?? "") : form.profile;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!isBusy) void create({ ...form, profile });
  };
  return (
    <Dialog title="New session" onClose={onClose}>
      <form className="flex flex-col gap-4" onSubmit={submit}>
        <Field label="What is to be done?" hint="Its first message. You can leave it empty, and send one later.">
          {(control) => (
            <Textarea
              {...control}
              autoFocus
              rows={4}
              value={form.message}
              onChange={(event) => change({ message: event.target.value })}
              onKeyDown={(event) => {
                if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) submit(event);
              }}
            />
          )}
        </Field>
        <div className="grid gap-4 sm:grid-cols-2">
          <Field label="Profile" error={profilesFault}>
            {(control) => (
              <Select
                {...control}
                disabled={isLoading}
                value={profile}
                onChange={(event) => change({ profile: event.target.value })}
                options={profiles.map(({ id, name }) => ({ value: id, label: name === id ? id : `${name} (${id})` }))}
              />
            )}
          </Field>
          <Field label="Name">
            {(control) => (
              <Input
                {...control}
                maxLength={500}
                placeholder="From the first message"
                value={form.name}
                onChange={(event) => change({ name: event.target.value })}
              />
            )}
          </Field>
        </div>
        <MoreOptions form={form} onChange={change} />
        {fault !== undefined && (
          <p role="alert" className="text-bad">
            {fault}
          </p>
        )}
        <div className="flex justify-end gap-2">
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" tone="accent" disabled={isBusy || profile === ""}>
            {form.message.trim() === "" ? "Create" : "Create and send"}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface MoreOptionsProps {
  readonly form: NewSessionForm;
  readonly onChange: (change: Partial<NewSessionForm>) => void;
}

function MoreOptions({ form, onChange }: MoreOptionsProps) {
  return (
    <details className="group">
      <summary className="flex w-fit cursor-pointer list-none items-center gap-1 rounded-md py-0.5 font-medium text-muted hover:text-ink">
        <ChevronRight aria-hidden className="size-4 transition-transform group-open:rotate-90" />
        Model, permissions, files
      </summary>
      <div className="mt-3 grid gap-4 sm:grid-cols-2">
        <Field label="Architecture">
          {(control) => (
            <Select
              {...control}
              value={form.architecture}
              onChange={(event) => onChange({ architecture: event.target.value })}
              options={ARCHITECTURES}
            />
          )}
        </Field>
        <Field label="Model">
          {(control) => (
            <Input
              {...control}
              placeholder="The profile’s"
              maxLength={200}
              value={form.model}
              onChange={(event) => onChange({ model: event.target.value })}
            />
          )}
        </Field>
        <Field label="Effort">
          {(control) => (
            <Select
              {...control}
              value={form.effort}
              onChange={(event) => onChange({ effort: event.target.value as NewSessionForm["effort"] })}
              options={[{ value: "", label: "The profile’s" }, ...EFFORTS]}
            />
          )}
        </Field>
        <Field label="Permission mode">
          {(control) => (
            <Select
              {...control}
              value={form.permissionMode}
              onChange={(event) => onChange({ permissionMode: event.target.value as NewSessionForm["permissionMode"] })}
              options={[{ value: "", label: "The profile’s" }, ...MODES]}
            />
          )}
        </Field>
        <div className="sm:col-span-2">
          <FirstFiles files={form.files} onChange={(files) => onChange({ files })} />
        </div>
      </div>
    </details>
  );
}

function useCreate(onDone: () => void): {
  readonly create: (form: NewSessionForm) => Promise<void>;
  readonly isBusy: boolean;
  readonly fault: string | undefined;
} {
  const { client, stores } = useAgentService();
  const [, navigate] = useLocation();
  const [isBusy, setBusy] = useState(false);
  const [fault, setFault] = useState<string>();
  const create = async (form: NewSessionForm): Promise<void> => {
    setBusy(true);
    setFault(undefined);
    try {
      const { sessionId } = await client.createSession(bodyOf(form));
      // Shown at once; where it cannot be sent the conversation says so, and offers to try again.
      if (form.message.trim() !== "") void stores.get(sessionId).sendMessage(form.message);
      onDone();
      navigate(paths.session(sessionId));
    } catch (error) {
      setFault(errorText(error));
    } finally {
      setBusy(false);
    }
  };
  return { create, isBusy, fault };
}
