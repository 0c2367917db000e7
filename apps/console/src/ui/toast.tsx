import { clsx } from "clsx";
import { CircleAlert, CircleCheck, X } from "lucide-react";
import { createContext, useCallback, useContext, useEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";

export interface ToastOptions {
  readonly tone?: "plain" | "bad";
  /** What can be done about it. */
  readonly action?: { readonly label: string; readonly onSelect: () => void };
}

export type ShowToast = (message: string, options?: ToastOptions) => void;

interface Toast extends ToastOptions {
  readonly id: number;
  readonly message: string;
}

/** Milliseconds; what went wrong stays longer, and all stay while they are pointed at or have the focus. */
const STAYS = { plain: 5000, bad: 12_000 } as const;
const AT_MOST = 4;

const ToastContext = createContext<ShowToast | undefined>(undefined);

/** Says in a corner of the page what happened to something that a person did. Screen readers are told too. */
export function useToast(): ShowToast {
  const show = useContext(ToastContext);
  if (show === undefined) throw new Error("useToast needs a <ToastProvider> above it.");
  return show;
}

export function ToastProvider({ children }: { readonly children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly Toast[]>([]);
  const next = useRef(0);
  const show = useCallback<ShowToast>((message, options = {}) => {
    next.current += 1;
    const toast = { ...options, id: next.current, message };
    // The same again takes the place of the one before.
    setToasts((before) => [...before.filter((other) => other.message !== message), toast].slice(-AT_MOST));
  }, []);
  const close = useCallback((id: number) => setToasts((before) => before.filter((toast) => toast.id !== id)), []);
  return (
    <ToastContext.Provider value={show}>
      {children}
      <div
        role="region"
        aria-label="Notices"
        aria-live="polite"
        className="pointer-events-none fixed top-12 right-0 z-[60] flex w-full flex-col gap-2 p-4 sm:w-96"
      >
        {toasts.map((toast) => (
          <ToastCard key={toast.id} toast={toast} onClose={close} />
        ))}
      </div>
    </ToastContext.Provider>
  );
}

function ToastCard({ toast, onClose }: { readonly toast: Toast; readonly onClose: (id: number) => void }) {
  const { id, message, tone = "plain", action } = toast;
  const [isHeld, setHeld] = useState(false);
  useEffect(() => {
    if (isHeld) return;
    const timer = setTimeout(() => onClose(id), STAYS[tone]);
    return () => clearTimeout(timer);
  }, [id, tone, isHeld, onClose]);
  const hold = (held: boolean) => () => setHeld(held);
  const Icon = tone === "bad" ? CircleAlert : CircleCheck;
  return (
    <div
      role={tone === "bad" ? "alert" : undefined}
      onPointerEnter={hold(true)}
      onPointerLeave={hold(false)}
      onFocus={hold(true)}
      onBlur={hold(false)}
      className="pointer-events-auto flex items-start gap-2 rounded-lg border bg-panel py-2 pr-2 pl-3 shadow-lg"
    >
      <Icon aria-hidden className={clsx("mt-1.5 size-4 shrink-0", tone === "bad" ? "text-bad" : "text-good")} />
      <p className="min-w-0 flex-1 py-1 break-words">{message}</p>
      {action !== undefined && (
        <Button
          tone="ghost"
          onClick={() => {
            action.onSelect();
            onClose(id);
          }}
        >
          {action.label}
        </Button>
      )}
      <Button tone="ghost" icon aria-label="Dismiss" onClick={() => onClose(id)}>
        <X />
      </Button>
    </div>
  );
}
