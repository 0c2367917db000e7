import { AlertDialog } from "radix-ui";
import { useState } from "react";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";
import { errorText } from "./error-text.ts";

export interface ConfirmProps {
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
  /** The question, such as "Delete this session?". */
  readonly title: string;
  /** What will be, and what cannot be taken back. */
  readonly children: ReactNode;
  /** What the button does, such as "Delete". */
  readonly action: string;
  readonly danger?: boolean;
  /** It closes when this is done, and says why where it failed. */
  readonly onConfirm: () => Promise<unknown> | void;
}

/** Asks before something is done that matters. The focus begins at Cancel. */
export function Confirm({ open, onOpenChange, title, children, action, danger = false, onConfirm }: ConfirmProps) {
  const [isBusy, setBusy] = useState(false);
  const [fault, setFault] = useState<string>();
  const change = (next: boolean): void => {
    setFault(undefined);
    onOpenChange(next);
  };
  const confirm = async (): Promise<void> => {
    setBusy(true);
    setFault(undefined);
    try {
      await onConfirm();
      onOpenChange(false);
    } catch (error) {
      setFault(errorText(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <AlertDialog.Root open={open} onOpenChange={change}>
      <AlertDialog.Portal>
        <AlertDialog.Overlay className="fixed inset-0 z-40 bg-black/40" />
        <AlertDialog.Content className="fixed top-[20vh] left-1/2 z-50 flex max-h-[70vh] w-[min(28rem,calc(100vw-2rem))] -translate-x-1/2 flex-col gap-3 overflow-auto rounded-xl border bg-panel p-5 shadow-xl">
          <AlertDialog.Title className="text-base font-semibold break-words">{title}</AlertDialog.Title>
          <AlertDialog.Description asChild>
            <div className="text-muted">{children}</div>
          </AlertDialog.Description>
          {fault !== undefined && (
            <p role="alert" className="text-bad">
              {fault}
            </p>
          )}
          <div className="mt-1 flex justify-end gap-2">
            <AlertDialog.Cancel asChild>
              <Button>Cancel</Button>
            </AlertDialog.Cancel>
            <Button tone={danger ? "danger" : "accent"} disabled={isBusy} onClick={() => void confirm()}>
              {action}
            </Button>
          </div>
        </AlertDialog.Content>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
