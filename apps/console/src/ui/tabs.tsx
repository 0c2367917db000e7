import { clsx } from "clsx";
import { Tabs as Radix } from "radix-ui";
import type { ReactNode } from "react";

export interface Tab<Value extends string> {
  readonly value: Value;
  readonly label: ReactNode;
  readonly icon?: ReactNode;
}

export interface TabsProps<Value extends string> {
  /** What the row of tabs is called. */
  readonly label: string;
  readonly tabs: readonly Tab<Value>[];
  readonly value: Value;
  readonly onValueChange: (value: Value) => void;
  /** At the end of the row. */
  readonly actions?: ReactNode;
  /** Of the tab that is open. */
  readonly children: ReactNode;
  readonly className?: string;
}

/** A row of tabs, walked by arrow keys, and what belongs to the one that is open. */
export function Tabs<Value extends string>(props: TabsProps<Value>) {
  const { label, tabs, value, onValueChange, actions, children, className } = props;
  return (
    <Radix.Root
      value={value}
      onValueChange={(next) => onValueChange(next as Value)}
      className={clsx("flex min-h-0 flex-col", className)}
    >
      <div className="flex shrink-0 items-center gap-1 border-b px-2">
        <Radix.List aria-label={label} className="flex min-w-0 flex-1 overflow-x-auto">
          {tabs.map((tab) => (
            <Radix.Trigger
              key={tab.value}
              value={tab.value}
              className="-mb-px flex h-10 shrink-0 items-center gap-1.5 border-b-2 border-transparent px-2.5 font-medium text-muted outline-offset-[-2px] hover:text-ink data-[state=active]:border-accent data-[state=active]:text-ink [&_svg]:size-4"
            >
              {tab.icon}
              {tab.label}
            </Radix.Trigger>
          ))}
        </Radix.List>
        {actions}
      </div>
      <Radix.Content value={value} className="flex min-h-0 flex-1 flex-col outline-offset-[-2px]">
        {children}
      </Radix.Content>
    </Radix.Root>
  );
}
