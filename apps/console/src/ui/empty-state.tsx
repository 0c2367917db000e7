import type { ReactNode } from "react";

export interface EmptyStateProps {
  readonly icon?: ReactNode;
  readonly title: string;
  /** What to do. */
  readonly children?: ReactNode;
}

/** Where there is nothing, what there would be, and how it comes about. */
export function EmptyState({ icon, title, children }: EmptyStateProps) {
  return (
    <div className="m-auto flex max-w-sm flex-col items-center gap-2 p-6 text-center">
      {icon !== undefined && (
        <span
          aria-hidden
          className="mb-1 grid size-10 place-items-center rounded-full bg-raised text-muted [&_svg]:size-5"
        >
          {icon}
        </span>
      )}
      <p className="font-semibold">{title}</p>
      {children !== undefined && <div className="flex flex-col items-center gap-3 text-muted">{children}</div>}
    </div>
  );
}
