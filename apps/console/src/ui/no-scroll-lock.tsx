import type { Slot } from "radix-ui";
import type { ComponentProps } from "react";

export interface RemoveScrollProps extends ComponentProps<"div"> {
  readonly as?: typeof Slot.Root;
  readonly allowPinchZoom?: boolean;
  readonly shards?: readonly unknown[];
}

/**
 * Stands in place of what Radix locks the page's scrolling with (vite.config.ts): that writes a style element, which our
 * content policy forbids. This page has nothing to lock: only parts of it scroll, and what is modal covers them.
 */
export function RemoveScroll({ as: As, allowPinchZoom: _pinch, shards: _shards, ...rest }: RemoveScrollProps) {
  return As === undefined ? <div {...rest} /> : <As {...rest} />;
}
