import { clsx } from "clsx";
import type { ReactNode } from "react";

/** Keys, as text. */
export function Kbd({ children, className }: { readonly children: ReactNode; readonly className?: string }) {
  return (
    <kbd className={clsx("rounded border bg-raised px-1.5 py-px font-sans text-xs text-muted", className)}>
      {children}
    </kbd>
  );
}
