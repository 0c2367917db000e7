import { TriangleAlert } from "lucide-react";
import { Component } from "react";
import type { ReactNode } from "react";
import { Button } from "./button.tsx";
import { EmptyState } from "./empty-state.tsx";

export interface ErrorBoundaryProps {
  /** Another one begins anew, such as an address. */
  readonly resetKey?: string | undefined;
  /** Told of it, where nothing is to be shown in its place. */
  readonly onError?: (message: string) => void;
  readonly children: ReactNode;
}

interface State {
  readonly error?: unknown;
  readonly resetKey?: string | undefined;
}

/** What fails inside says so in its place, and the rest of the page goes on. */
export class ErrorBoundary extends Component<ErrorBoundaryProps, State> {
  override state: State = {};

  static getDerivedStateFromError(error: unknown): State {
    return { error };
  }

  static getDerivedStateFromProps({ resetKey }: ErrorBoundaryProps, before: State): State | null {
    return before.resetKey === resetKey ? null : { error: undefined, resetKey };
  }

  override componentDidCatch(error: unknown): void {
    const { title, text } = wordsOf(error);
    this.props.onError?.(`${title}. ${text}`);
  }

  override render(): ReactNode {
    const { error } = this.state;
    if (error === undefined) return this.props.children;
    return this.props.onError === undefined ? <Failed error={error} /> : null;
  }
}

/** A part that cannot be fetched is mostly one of an older console: the server has a newer one. */
function wordsOf(error: unknown): { readonly title: string; readonly text: string } {
  const message = error instanceof Error ? error.message : String(error);
  if (/dynamically imported module|importing a module/i.test(message))
    return {
      title: "This part of the page could not be fetched",
      text: "The server does not answer, or it has a newer console by now: reload the page.",
    };
  return { title: "This part of the page has failed", text: message };
}

function Failed({ error }: { readonly error: unknown }) {
  const { title, text } = wordsOf(error);
  return (
    <main className="flex min-w-0 flex-1">
      <div role="alert" className="m-auto">
        <EmptyState icon={<TriangleAlert />} title={title}>
          <p className="break-words">{text} Nothing of your sessions is lost.</p>
          <Button tone="accent" onClick={() => location.reload()}>
            Reload the page
          </Button>
        </EmptyState>
      </div>
    </main>
  );
}
