import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { dockerScene, type Scene } from "../docker/testing/scene.ts";
import { environmentScene, type EnvironmentScene } from "./testing/environment-scene.ts";
import { GREETERS } from "./testing/greeters.ts";

const SLOW_MS = 300_000;

let docker: Scene;
let scene: EnvironmentScene;
beforeAll(async () => {
  docker = await dockerScene();
  scene = await environmentScene();
  await scene.registry.publish(GREETERS);
}, SLOW_MS);
beforeEach((context) => docker.orSkip(context));
afterAll(async () => {
  await scene[Symbol.asyncDispose]();
  await docker.end();
});

test(
  "docker: installed in a container of its own, there for every program, and cannot be changed",
  async () => {
    const install = scene.wants({ npm: ["greeter@^1.0.0"], pip: ["greeterpy==2.0.0"] });
    const inside = await scene.enter(docker.provider(), install);
    expect(await inside.shell("greet && greet-py")).toBe("hello from npm\nhello from pip\n");
    expect(await inside.shell(`node -e "console.log(require('greeter').greeting)"`)).toBe("hello from npm\n");
    const module = "import greeter from 'greeter'; console.log(greeter.greeting);";
    expect(await inside.shell(`echo "${module}" > a.mjs && node a.mjs`)).toBe("hello from npm\n");
    for (const place of ["$AGENT_RUNTIME_ENVIRONMENT/new", "/node_modules/new"])
      expect(await inside.shell(`touch ${place}`)).toMatch(/Read-only file system/);
    expect(await docker.containers()).toHaveLength(1);
  },
  SLOW_MS,
);
