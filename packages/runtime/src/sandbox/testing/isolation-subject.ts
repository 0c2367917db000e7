import type { IsolationSubject } from "@hhopkins/agent-runtime-testkit";
import { dockerSubject } from "../docker/testing/docker-subject.ts";
import type { TestEngine } from "../docker/testing/test-engine.ts";
import { hostSubject } from "./host-subject.ts";

/** A provider of this host as the isolation suite takes it, beside `unsafe-process`, in which each attack must succeed. */
export async function isolationSubject(
  provider: string,
  engine?: Pick<TestEngine, "host" | "image">,
): Promise<{ subject: IsolationSubject; end(): Promise<void> }> {
  const open = hostSubject("unsafe-process");
  const suspect = provider === "docker" && engine !== undefined ? await dockerSubject(engine) : hostSubject("local");
  return {
    subject: {
      suspect: suspect.subject,
      open: open.subject,
      folders: { suspect: [suspect.dataDir], open: [open.dataDir] },
    },
    async end() {
      await suspect.end();
      await open.end();
    },
  };
}
