import { shallowEqual, useAgentSession, useSessionSelector, type SessionSnapshot } from "@hhopkins/agent-runtime-react";
import type { SessionOptions, UpdateOptionsBody } from "@hhopkins/agent-runtime-protocol";
import { SlidersHorizontal } from "lucide-react";
import { Popover } from "radix-ui";
import { useState } from "react";
import { errorText } from "../ui/error-text.ts";
import { EFFORTS, MODES } from "../session/option-choices.ts";
import { Button } from "../ui/button.tsx";
import { Field } from "../ui/field.tsx";
import { Input } from "../ui/input.tsx";
import { Select } from "../ui/select.tsx";
import { useToast } from "../ui/toast.tsx";

const UNSET = { value: "", label: "As the profile says" } as const;

function optionsOf({ state }: SessionSnapshot): SessionOptions & { readonly used?: string } {
  const used = state?.sessionMetadata.model;
  return { ...state?.sessionOptions, ...(used === undefined ? {} : { used }) };
}

/** Model, effort and permission mode: from the next step on, also of a turn that runs. */
export function OptionsMenu({ sessionId }: { readonly sessionId: string }) {
  const { model, effort, permissionMode, used } = useSessionSelector(sessionId, optionsOf, shallowEqual);
  const { updateSessionOptions } = useAgentSession(sessionId);
  const toast = useToast();
  const update = (options: UpdateOptionsBody): void => {
    updateSessionOptions(options).then(
      // What else changes is seen here.
      () => options.profileVersion !== undefined && toast("It has the profile as it is now, from the next turn on."),
      (error: unknown) => toast(`The options were not changed. ${errorText(error)}`, { tone: "bad" }),
    );
  };
  const mode = MODES.find(({ value }) => value === permissionMode)?.label;
  const shown = [model ?? used, effort, mode].filter((value) => value !== undefined);
  return (
    <Popover.Root>
      <Popover.Trigger asChild>
        <Button tone="ghost" className="min-w-0 px-2 text-muted">
          <SlidersHorizontal aria-hidden />
          <span className="sr-only">Options</span>
          <span className="truncate text-xs">{shown.join(" · ")}</span>
        </Button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          side="top"
          align="start"
          sideOffset={6}
          collisionPadding={8}
          aria-label="Options"
          className="z-40 flex w-72 flex-col gap-3 rounded-xl border bg-panel p-4 shadow-xl"
        >
          <ModelField key={model} model={model} used={used} onChange={(next) => update({ model: next })} />
          <Field label="Effort">
            {(control) => (
              <Select
                {...control}
                value={effort ?? ""}
                options={effort === undefined ? [UNSET, ...EFFORTS] : EFFORTS}
                onChange={({ target }) => update({ effort: EFFORTS.find((value) => value === target.value) })}
              />
            )}
          </Field>
          <Field label="Permissions" hint="What happens to calls of tools that no rule decides.">
            {(control) => (
              <Select
                {...control}
                value={permissionMode ?? ""}
                options={permissionMode === undefined ? [UNSET, ...MODES] : MODES}
                onChange={({ target }) =>
                  update({ permissionMode: MODES.find(({ value }) => value === target.value)?.value })
                }
              />
            )}
          </Field>
          <p className="text-xs text-muted">They hold from the next step on, also of a turn that runs.</p>
          <Button onClick={() => update({ profileVersion: "latest" })}>Take the profile as it is now</Button>
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

interface ModelFieldProps {
  readonly model: string | undefined;
  readonly used: string | undefined;
  readonly onChange: (model: string) => void;
}

function ModelField({ model = "", used, onChange }: ModelFieldProps) {
  const [text, setText] = useState(model);
  const name = text.trim();
  const isNew = name !== "" && name !== model;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (isNew) onChange(name);
      }}
    >
      <Field label="Model" hint="A model's name; Enter takes it.">
        {(control) => (
          <span className="flex gap-2">
            <Input
              {...control}
              maxLength={200}
              value={text}
              placeholder={used ?? UNSET.label}
              onChange={(event) => setText(event.target.value)}
            />
            {isNew && (
              <Button type="submit" tone="accent">
                Use
              </Button>
            )}
          </span>
        )}
      </Field>
    </form>
  );
}
