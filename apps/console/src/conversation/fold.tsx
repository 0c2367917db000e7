import { ChevronRight, type LucideIcon } from "lucide-react";
import type { ReactNode } from "react";
import { useFold } from "./place.tsx";

export interface FoldProps {
  readonly id: string;
  readonly icon: LucideIcon;
  readonly label: string;
  /** What stands beside the label while it is folded. */
  readonly hint: string;
  /** It is still being written. */
  readonly isGrowing?: boolean;
  readonly children: ReactNode;
}

/** What is behind one line of the conversation until somebody wants to see it. */
export function Fold({ id, icon: Icon, label, hint, isGrowing = false, children }: FoldProps) {
  const [isOpen, setOpen] = useFold(id, false);
  return (
    <div className="text-muted">
      <button
        type="button"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
        className="flex min-h-6 w-full min-w-0 items-center gap-1.5 rounded-md text-left hover:text-ink"
      >
        <Icon aria-hidden className={`size-3.5 shrink-0 ${isGrowing ? "animate-pulse text-accent" : ""}`} />
        <span className="shrink-0 font-medium">{label}</span>
        {!isOpen && <span className="min-w-0 flex-1 truncate text-xs">{hint}</span>}
        <ChevronRight aria-hidden className={`size-3.5 shrink-0 transition-transform ${isOpen ? "rotate-90" : ""}`} />
      </button>
      {isOpen && <div className="mt-1 border-l-2 pl-3">{children}</div>}
    </div>
  );
}
