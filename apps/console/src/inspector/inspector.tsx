import { Activity, Bot, ChartNoAxesColumn, Files, Server, X } from "lucide-react";
import { lazy, Suspense } from "react";
import type { ReactNode } from "react";
import { Link, useLocation } from "wouter";
import { useHashSearch } from "../hash-location.ts";
import { PastBar } from "../past/past-bar.tsx";
import { seqOf, withSeq } from "../past/seq-of-address.ts";
import { PANELS, paths, type Panel } from "../routes.ts";
import type { SessionPageProps } from "../session/session-page.tsx";
import { useCommands } from "../shell/commands.tsx";
import { Button } from "../ui/button.tsx";
import { Sheet } from "../ui/sheet.tsx";
import { Tabs } from "../ui/tabs.tsx";
import { useMedia } from "../ui/use-media.ts";
import { ColumnEdge, useColumnWidth } from "./column-edge.tsx";

const FilesPanel = lazy(() => import("./files/files-panel.tsx").then(({ FilesPanel }) => ({ default: FilesPanel })));
const EventsPanel = lazy(() =>
  import("./events/events-panel.tsx").then(({ EventsPanel }) => ({ default: EventsPanel })),
);
const UsagePanel = lazy(() => import("./usage/usage-panel.tsx").then(({ UsagePanel }) => ({ default: UsagePanel })));
const SandboxPanel = lazy(() =>
  import("./sandbox/sandbox-panel.tsx").then(({ SandboxPanel }) => ({ default: SandboxPanel })),
);
const SubagentsPanel = lazy(() =>
  import("../subagents/subagents-panel.tsx").then(({ SubagentsPanel }) => ({ default: SubagentsPanel })),
);

const NAMES: Readonly<Record<Panel, { readonly label: string; readonly icon: ReactNode }>> = {
  files: { label: "Files", icon: <Files /> },
  events: { label: "Events", icon: <Activity /> },
  usage: { label: "Usage", icon: <ChartNoAxesColumn /> },
  sandbox: { label: "Sandbox", icon: <Server /> },
  subagents: { label: "Subagents", icon: <Bot /> },
};

/** The panels beside a conversation: that of the address is open, or none. A column, or a sheet on narrow pages. */
export function Inspector({ sessionId, panel, item }: SessionPageProps) {
  const isWide = useMedia("(min-width: 64rem)");
  const [, navigate] = useLocation();
  const seq = seqOf(useHashSearch());
  const [width, setWidth] = useColumnWidth();
  const open = PANELS.find((name) => name === panel);
  const address = (name: Panel | undefined): string =>
    withSeq(name === undefined ? paths.session(sessionId) : paths.panel(sessionId, name), seq);
  useCommands(
    PANELS.map((name) => ({
      id: `panel-${name}`,
      label: `Show ${NAMES[name].label.toLowerCase()}`,
      group: "This session",
      icon: NAMES[name].icon,
      run: () => navigate(address(name)),
    })),
  );
  if (open === undefined) return <Rail address={address} isWide={isWide} open={undefined} />;
  const content = <PanelContent panel={open} sessionId={sessionId} item={item} />;
  if (!isWide)
    return (
      <>
        <Rail address={address} isWide={false} open={open} />
        <Sheet title={NAMES[open].label} side="bottom" open onOpenChange={() => navigate(address(undefined))}>
          {open === "events" && <PastBar sessionId={sessionId} />}
          {content}
        </Sheet>
      </>
    );
  return (
    <aside aria-label="Inspector" style={{ width }} className="relative flex shrink-0 flex-col border-l bg-panel">
      <ColumnEdge width={width} onChange={setWidth} />
      <Tabs
        className="flex-1"
        label="Panels"
        tabs={PANELS.map((name) => ({ value: name, label: NAMES[name].label }))}
        value={open}
        onValueChange={(name) => navigate(address(name))}
        actions={
          <Button tone="ghost" icon aria-label="Close the panel" onClick={() => navigate(address(undefined))}>
            <X />
          </Button>
        }
      >
        {content}
      </Tabs>
    </aside>
  );
}

function PanelContent({ panel, sessionId, item }: { panel: Panel; sessionId: string; item: string | undefined }) {
  return <Suspense fallback={<p className="p-4 text-muted">Loading…</p>}>{contentOf(panel, sessionId, item)}</Suspense>;
}

function contentOf(panel: Panel, sessionId: string, item: string | undefined): ReactNode {
  switch (panel) {
    case "files":
      return <FilesPanel sessionId={sessionId} path={item} />;
    case "events":
      return <EventsPanel sessionId={sessionId} />;
    case "usage":
      return <UsagePanel sessionId={sessionId} />;
    case "sandbox":
      return <SandboxPanel sessionId={sessionId} />;
    case "subagents":
      return <SubagentsPanel sessionId={sessionId} subagentId={item} />;
  }
}

interface RailProps {
  readonly address: (panel: Panel) => string;
  readonly isWide: boolean;
  readonly open: Panel | undefined;
}

/** The panels' names while none is open: a column at the right, or a row at the foot of narrow pages. */
function Rail({ address, isWide, open }: RailProps) {
  return (
    <nav
      aria-label="Panels"
      className={
        isWide ? "flex w-12 shrink-0 flex-col items-center gap-1 border-l bg-panel py-2" : "flex border-t bg-panel"
      }
    >
      {PANELS.map((name) => (
        <Link
          key={name}
          href={address(name)}
          title={NAMES[name].label}
          aria-current={name === open ? "page" : undefined}
          className={
            isWide
              ? "grid size-9 place-items-center rounded-md text-muted hover:bg-raised hover:text-ink [&_svg]:size-4.5"
              : "flex min-w-0 flex-1 flex-col items-center py-1.5 text-xs text-muted [&_svg]:size-4.5"
          }
        >
          {NAMES[name].icon}
          <span className={isWide ? "sr-only" : "truncate"}>{NAMES[name].label}</span>
        </Link>
      ))}
    </nav>
  );
}
