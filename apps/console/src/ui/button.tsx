import { clsx } from "clsx";
import type { ComponentProps } from "react";

const TONES = {
  plain: "border bg-panel hover:bg-raised",
  accent: "border border-transparent bg-accent text-accent-ink hover:opacity-90",
  danger: "border border-bad/40 text-bad hover:bg-bad/10",
  ghost: "hover:bg-raised",
} as const;

export interface ButtonProps extends ComponentProps<"button"> {
  readonly tone?: keyof typeof TONES;
  /** A square for one icon; needs an `aria-label`. */
  readonly icon?: boolean;
}

export function Button({ tone = "plain", icon = false, className, type = "button", ...rest }: ButtonProps) {
  return (
    <button
      type={type}
      className={clsx(
        "inline-flex shrink-0 items-center justify-center gap-1.5 rounded-md text-sm font-medium transition-colors",
        "disabled:pointer-events-none disabled:opacity-50 [&_svg]:size-4",
        icon ? "size-8" : "h-8 px-3",
        TONES[tone],
        className,
      )}
      {...rest}
    />
  );
}
