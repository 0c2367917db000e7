import { tmpdir } from "node:os";
import { hostSubject } from "../testing/host-subject.ts";
import { isolationTests } from "../testing/isolation-tests.ts";
import { currentUser } from "../testing/provider-results.ts";
import { onDouble } from "./testing/on-double.ts";

/** The double's bubblewrap has no filter of system calls: what these would show is the cloud's own business. */
const OF_THE_CLOUD = "held by Modal's own kernel in its cloud; the double has no filter of system calls";

const on = await onDouble();
const open = hostSubject("unsafe-process");
const notUsed = { because: "the isolation suite does not ask for it" };

isolationTests(
  { provider: "modal", user: currentUser(), version: "modal 0.11.1, the double" },
  {
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
    },
  },
  async () => {
    await on.close();
    await open.end();
  },
);
