import type { ConversationBlock } from "@hhopkins/agent-runtime-protocol";
import type { AgentServiceProviderProps } from "@hhopkins/agent-runtime-react";
import type { ReactNode } from "react";
import { afterEach, beforeAll, beforeEach, expect, vi } from "vitest";
import { PlayedServer } from "./played-server.ts";
import { mount, openLab, type Lab, type Mounted, type ReactVersion } from "./react-lab.ts";

export const at = "2026-01-01T00:00:00.000Z";
const API = { apiUrl: "http://server.test", apiKey: "k" };

type Props = Partial<AgentServiceProviderProps>;

export function text(id: string, content = id): ConversationBlock {
  return { type: "assistant_text", id, timestamp: at, content };
}

export async function soon(condition: () => void, interval = 2): Promise<void> {
  await vi.waitFor(condition, { interval, timeout: 20_000 });
}

/** What a hook answered last, and how often it was asked. */
export interface Seen<R> {
  current: R;
  renders: number;
}

/** Hooks on one version of React, before a server that the test plays, anew for each test. */
export class HookBench {
  #lab: Lab | undefined;
  server = new PlayedServer();
  mounted: Mounted | undefined;

  constructor(version: ReactVersion) {
    beforeAll(async () => {
      this.#lab = await openLab(version);
      expect(this.#lab.React.version.startsWith(`${version}.`)).toBe(true);
    });
    beforeEach(() => {
      this.server = new PlayedServer();
      this.server.install();
    });
    afterEach(() => {
      this.unmount();
      vi.unstubAllGlobals();
    });
  }

  get lab(): Lab {
    if (this.#lab === undefined) throw new Error("the bench is not ready before the tests begin");
    return this.#lab;
  }

  provided(node: ReactNode, props: Props = {}): ReactNode {
    return this.lab.React.createElement(this.lab.kit.AgentServiceProvider, { ...API, ...props }, node);
  }

  mount(node: ReactNode, options: { isStrict?: boolean } = {}): Mounted {
    this.mounted = mount(this.lab, node, options);
    return this.mounted;
  }

  unmount(): void {
    this.mounted?.unmount();
    this.mounted = undefined;
  }

  /** What a hook answers, at each rendering anew; `show` renders it with another argument. */
  probe<A, R>(
    useIt: (argument: A) => R,
    argument: A,
    props: Props = {},
  ): { seen: Seen<R>; show: (given: A, more?: Props) => void } {
    const seen = { current: undefined as R, renders: 0 };
    const Probe = ({ given }: { given: A }): ReactNode => {
      seen.current = useIt(given);
      seen.renders += 1;
      return null;
    };
    const node = (given: A, more: Props): ReactNode =>
      this.provided(this.lab.React.createElement(Probe, { given }), more);
    const own = this.mount(node(argument, props));
    return { seen, show: (given, more = props) => own.render(node(given, more)) };
  }
}
