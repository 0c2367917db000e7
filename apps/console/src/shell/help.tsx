import { Dialog } from "../ui/dialog.tsx";
import { Kbd } from "../ui/kbd.tsx";
import type { Command, CommandRegistry } from "./commands.tsx";
import { keysText } from "./shortcuts.ts";

/** Keys of the parts that are no commands: what they do is the part's own. */
const OTHERS: readonly (readonly [keys: string, what: string])[] = [
  ["↑ ↓", "walk the sessions, a tree of files, a menu"],
  ["Enter", "send the message"],
  ["Shift Enter", "a new line in the message"],
  ["Esc", "close what is open"],
];

/** The keys of everything that can be done now. */
export function Help({ registry, onClose }: { readonly registry: CommandRegistry; readonly onClose: () => void }) {
  const commands = registry.all().filter(({ keys }) => keys !== undefined);
  const groups = Map.groupBy(commands, ({ group }) => group);
  return (
    <Dialog title="Keyboard shortcuts" onClose={onClose}>
      <div className="grid gap-x-8 gap-y-4 sm:grid-cols-2">
        {[...groups].map(([group, own]) => (
          <Keys key={group} title={group} rows={own.map(rowOf)} />
        ))}
        <Keys title="Everywhere" rows={OTHERS} />
      </div>
    </Dialog>
  );
}

function rowOf({ keys = "", label }: Command): readonly [string, string] {
  return [keysText(keys), label];
}

function Keys({ title, rows }: { readonly title: string; readonly rows: readonly (readonly [string, string])[] }) {
  return (
    <section>
      <h3 className="mb-1 text-xs font-semibold text-muted">{title}</h3>
      <dl>
        {rows.map(([keys, what]) => (
          <div key={what} className="flex items-center justify-between gap-4 py-1">
            <dt className="min-w-0">{what}</dt>
            <dd className="shrink-0">
              <Kbd>{keys}</Kbd>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
