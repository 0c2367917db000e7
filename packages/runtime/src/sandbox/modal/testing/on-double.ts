import { startModalDouble } from "@hhopkins/agent-runtime-testkit/modal-double";
import type { ModalDouble, ModalDoubleOptions } from "@hhopkins/agent-runtime-testkit/modal-double";
import type { SandboxProvider } from "../../port.ts";
import { modalSandbox } from "../index.ts";
import type { ModalSandboxOptions } from "../index.ts";

export interface OnDouble {
  readonly double: ModalDouble;
  /** A provider of its own, as another server would have. */
  provider(more?: Partial<ModalSandboxOptions>): SandboxProvider;
  close(): Promise<void>;
}

/** Modal's double, and providers whose SDK takes it for Modal. Sets `MODAL_SERVER_URL` of this process. */
export async function onDouble(options: ModalDoubleOptions = {}): Promise<OnDouble> {
  const double = await startModalDouble(options);
  const before = process.env["MODAL_SERVER_URL"];
  process.env["MODAL_SERVER_URL"] = double.url;
  const providers: SandboxProvider[] = [];
  return {
    double,
    provider(more = {}) {
      const { tokenId, tokenSecret } = double;
      const provider = modalSandbox({ tokenId, tokenSecret, appName: "test", pollMs: 100, ...more });
      providers.push(provider);
      return provider;
    },
    async close() {
      await Promise.all(providers.map(async (provider) => provider.close?.()));
      if (before === undefined) delete process.env["MODAL_SERVER_URL"];
      else process.env["MODAL_SERVER_URL"] = before;
      await double.stop();
    },
  };
}
