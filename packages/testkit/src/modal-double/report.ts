import type { ModalDoubleReport } from "./control-schema.ts";
import type { DoubleSandbox } from "./sandbox.ts";
import type { World } from "./server.ts";

/** What the double has seen and has, as plain JSON. */
export function reportOf({ apps, images, sandboxes, faults, log }: World): ModalDoubleReport {
  return {
    calls: log.counts,
    unknownCalls: [...log.unknown],
    faults: faults.size,
    apps: apps.names(),
    images: images.all().map(({ id, commands, state, log }) => ({ imageId: id, commands: [...commands], state, log })),
    sandboxes: sandboxes.all().map((sandbox) => sandboxReport(sandbox, apps.nameOf(sandbox.plan.appId))),
  };
}

function sandboxReport(sandbox: DoubleSandbox, appName: string): ModalDoubleReport["sandboxes"][number] {
  const running = [...sandbox.execs.values()].filter((exec) => exec.exit === null);
  return {
    sandboxId: sandbox.id,
    appName,
    name: sandbox.name,
    state: sandbox.state,
    tags: { ...sandbox.tags },
    imageId: sandbox.plan.image.id,
    definition: { ...sandbox.plan.definition },
    networkAccess: sandbox.networkAccess ?? null,
    limited: sandbox.limited,
    programs: running.map((exec) => [...exec.argv]),
  };
}
