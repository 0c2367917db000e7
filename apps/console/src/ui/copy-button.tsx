import { clsx } from "clsx";
import { Check, Copy } from "lucide-react";
import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";
import { useToast } from "./toast.tsx";

export interface CopyButtonProps {
  /** What is copied; asked for when it is. */
  readonly text: () => string;
  /** What the button does, such as "Copy code". */
  readonly label: string;
  readonly icon?: ReactNode;
  readonly className?: string;
}

/** Copies, and says so. */
export function CopyButton({ text, label, icon = <Copy />, className }: CopyButtonProps) {
  const [isDone, setDone] = useState(false);
  const toast = useToast();
  useEffect(() => {
    if (!isDone) return;
    const timer = setTimeout(() => setDone(false), 1500);
    return () => clearTimeout(timer);
  }, [isDone]);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text());
      setDone(true);
    } catch {
      // Some pages may not: without a secure origin, or where the reader said no.
      toast("The browser does not let this page copy. Mark the text and copy it by hand.", { tone: "bad" });
    }
  };
  return (
    <Button
      tone="ghost"
      icon
      title={label}
      aria-label={isDone ? "Copied" : label}
      className={clsx("size-7 text-muted", className)}
      onClick={() => void copy()}
    >
      {isDone ? <Check className="text-good" /> : icon}
    </Button>
  );
}
