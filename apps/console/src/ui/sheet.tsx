import { clsx } from "clsx";
import { X } from "lucide-react";
import { Dialog as Radix } from "radix-ui";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";

const SIDES = {
  left: "inset-y-0 left-0 w-[min(20rem,calc(100vw-3rem))] border-r",
  right: "inset-y-0 right-0 w-[min(28rem,calc(100vw-3rem))] border-l",
  bottom: "inset-x-0 bottom-0 h-[85dvh] rounded-t-xl border-t",
} as const;

export interface SheetProps {
  readonly title: string;
  readonly side: keyof typeof SIDES;
  readonly open: boolean;
  readonly onOpenChange: (open: boolean) => void;
  readonly children: ReactNode;
}

/** A drawer over the page, for what has its own column on a wide screen. */
export function Sheet({ title, side, open, onOpenChange, children }: SheetProps) {
  return (
    <Radix.Root open={open} onOpenChange={onOpenChange}>
      <Radix.Portal>
        <Radix.Overlay className="fixed inset-0 z-40 bg-black/40" />
        <Radix.Content
          aria-describedby={undefined}
          className={clsx("fixed z-50 flex flex-col overflow-hidden bg-panel shadow-xl", SIDES[side])}
        >
          <div className="flex h-12 shrink-0 items-center justify-between gap-4 border-b pr-2 pl-4">
            <Radix.Title className="truncate font-semibold">{title}</Radix.Title>
            <Radix.Close asChild>
              <Button tone="ghost" icon aria-label="Close">
                <X />
              </Button>
            </Radix.Close>
          </div>
          <div className="flex min-h-0 flex-1 flex-col">{children}</div>
        </Radix.Content>
      </Radix.Portal>
    </Radix.Root>
  );
}
