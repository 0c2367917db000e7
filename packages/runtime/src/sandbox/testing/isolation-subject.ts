import type { IsolationSubject } from "@hhopkins/agent-runtime-testkit";
import { tmpdir } from "node:os";
import { dockerSubject } from "../docker/testing/docker-subject.ts";
import type { TestEngine } from "../docker/testing/test-engine.ts";
import { onDouble } from "../modal/testing/on-double.ts";
import { hostSubject } from "./host-subject.ts";

/** A provider as the isolation suite takes it, beside `unsafe-process`, in which each attack must succeed. */
export async function isolationSubject(
  provider: string,
  engine?: Pick<TestEngine, "host" | "image">,
): Promise<{ subject: IsolationSubject; end(): Promise<void> }> {
  if (provider === "modal") return onModal();
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

/** The double's bubblewrap has no filter of system calls: what these would show is the cloud's own business. */
const OF_THE_CLOUD = "held by Modal's own kernel in its cloud; the double has no filter of system calls";

async function onModal(): Promise<{ subject: IsolationSubject; end(): Promise<void> }> {
  const on = await onDouble();
  const open = hostSubject("unsafe-process");
  const notUsed = { because: "the isolation suite does not ask for it" };
  return {
    subject: {
      suspect: {
        provider: () => on.provider(),
        createElsewhere: () => Promise.reject(new Error(notUsed.because)),
        lose: notUsed,
        sleep: notUsed,
        cutOff: notUsed,
      },
      open: open.subject,
      folders: { suspect: [tmpdir()], open: [open.dataDir] },
      cannotShow: {
        keyrings: OF_THE_CLOUD,
        "sockets to the hypervisor": OF_THE_CLOUD,
        "a fork bomb": "Modal takes no bound on processes; its cloud has its own",
        ...(process.getuid?.() === 0
          ? {}
          : {
              "a memory bomb":
                "Modal's cloud holds memory; the double of an ordinary user has no control groups for it",
            }),
      },
    },
    async end() {
      await on.close();
      await open.end();
    },
  };
}
