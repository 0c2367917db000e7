import { clsx } from "clsx";
import type { ComponentProps } from "react";

const LOOK = "w-full rounded-md border bg-canvas px-2.5 text-sm placeholder:text-muted disabled:opacity-50";

export function Input({ className, ...rest }: ComponentProps<"input">) {
  return <input className={clsx(LOOK, "h-8", className)} {...rest} />;
}

export function Textarea({ className, ...rest }: ComponentProps<"textarea">) {
  return <textarea className={clsx(LOOK, "py-1.5", className)} {...rest} />;
}
