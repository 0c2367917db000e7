import { clsx } from "clsx";
import { ChevronDown } from "lucide-react";
import type { ComponentProps } from "react";

export interface SelectProps extends Omit<ComponentProps<"select">, "children"> {
  /** Values, or values with what they are called. */
  readonly options: readonly (string | { readonly value: string; readonly label: string })[];
}

/** The browser's own: it works with every keyboard, screen reader and phone. */
export function Select({ options, className, ...rest }: SelectProps) {
  return (
    <span className={clsx("relative inline-flex", className)}>
      <select
        className="h-8 w-full appearance-none rounded-md border bg-canvas pr-7 pl-2.5 text-sm text-ellipsis disabled:opacity-50"
        {...rest}
      >
        {options.map((option) => {
          const { value, label } = typeof option === "string" ? { value: option, label: option } : option;
          return (
            <option key={value} value={value}>
              {label}
            </option>
          );
        })}
      </select>
      <ChevronDown aria-hidden className="pointer-events-none absolute top-2 right-2 size-4 text-muted" />
    </span>
  );
}
