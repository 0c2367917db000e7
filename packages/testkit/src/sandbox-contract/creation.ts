import assert from "node:assert/strict";
import { assertRefused } from "./assertions.ts";
import { listenInside, runInside, shell, soon } from "./inside.ts";
import type { ContractRef } from "./provider.ts";
import { WITHOUT_END } from "./scene.ts";
import type { SandboxScene } from "./scene.ts";

async function listed(scene: SandboxScene): Promise<readonly string[]> {
  const found = await scene.provider.list({ deployment: scene.deployment });
  return found.map(({ tags }) => tags.session).toSorted();
}

export const creationCases: Record<string, (scene: SandboxScene) => Promise<void>> = {
  "create: the runner runs, with the environment that it was given and none of the server's": async (scene) => {
    const sandbox = await scene.create(scene.spec(undefined, { ODD: 'a b\'c\n"d" é €$(x)' }));
    const inside = await listenInside(sandbox);
    const environment = (await inside.run("return process.env")) as Record<string, string>;
    assert.equal(environment["SHOWN"], "yes");
    assert.equal(environment["ODD"], 'a b\'c\n"d" é €$(x)');
    for (const name of ["AGENT_RUNTIME_WORKSPACE", "AGENT_RUNTIME_HOME", "AGENT_RUNTIME_STATE"]) {
      const path = environment[name] ?? "";
      assert.ok(path.startsWith("/"), `${name} is ${path}`);
      await shell(sandbox, 'echo 1 > "$1/written" && rm "$1/written"', path);
    }
    assert.equal(await inside.run("return process.cwd()"), environment["AGENT_RUNTIME_WORKSPACE"]);
    const { canary } = scene.subject;
    if (canary !== undefined)
      assert.ok(!JSON.stringify(environment).includes(canary), "the server's variable is inside");
    assert.equal(await sandbox.status(), "running");
    await sandbox.terminate();
  },

  "create: the same key gives the same sandbox": async (scene) => {
    const spec = scene.spec();
    const first = await scene.create(spec);
    const again = await scene.create(spec);
    assert.deepEqual([again.id, again.ref], [first.id, first.ref]);
    assert.deepEqual(
      (await listed(scene)).filter((session) => session === spec.key),
      [spec.key],
    );
    await first.terminate();
  },

  "create: twenty at once with one key make one sandbox": async (scene) => {
    const spec = scene.spec();
    const all = await Promise.all(Array.from({ length: 20 }, () => scene.create(spec)));
    assert.equal(new Set(all.map(({ ref }) => JSON.stringify(ref))).size, 1);
    assert.deepEqual(
      (await listed(scene)).filter((session) => session === spec.key),
      [spec.key],
    );
    await shell(all[7] ?? assert.fail(), "true");
    await all[0]?.terminate();
  },

  "create: another server's provider finds the sandbox of the same key": async (scene) => {
    const spec = scene.spec();
    const first = await scene.create(spec);
    await first.writeFile(await homeFile(first, "mark"), Buffer.from("first"));
    await first.release();
    const again = scene.keep(await scene.another().create(spec, WITHOUT_END));
    assert.deepEqual(again.ref, first.ref);
    assert.equal((await again.readFile(await homeFile(again, "mark"))).toString(), "first");
    await again.terminate();
  },

  "create: sandboxes of different keys have nothing in common": async (scene) => {
    const [one, two] = await Promise.all([scene.create(), scene.create()]);
    await one.writeFile(await homeFile(one, "secret"), Buffer.from("of one"));
    assert.equal((await runInside(two, ["/bin/sh", "-c", 'cat "$HOME/secret"'])).code, 1);
    assert.notEqual(one.id, two.id);
    await one.terminate();
    assert.equal(await two.status(), "running");
    await shell(two, "true");
    await two.terminate();
  },

  "create: called off, nothing is left": async (scene) => {
    const before = scene.spec();
    const reason = new Error("called off");
    await assert.rejects(
      scene.provider.create(before, { ...WITHOUT_END, signal: AbortSignal.abort(reason) }),
      /called off/,
    );
    const spec = scene.spec();
    const abort = new AbortController();
    const begun = scene.provider.create(spec, { signal: abort.signal, onProgress: () => abort.abort(reason) });
    await assert.rejects(soon("a creation that was called off ends", begun), /called off/);
    const left = (await listed(scene)).filter((session) => session === spec.key || session === before.key);
    assert.deepEqual(left, []);
    const again = await scene.create(spec);
    await shell(again, "true");
    await again.terminate();
  },

  "create: a key that is not one is refused": async (scene) => {
    for (const key of ["", "../up", "a b", "x".repeat(200)]) {
      await assertRefused(scene.provider.create(scene.spec(key), WITHOUT_END), "invalid_request");
    }
  },

  "create: an environment that is not one is refused": async (scene) => {
    const strange: Record<string, string>[] = [{ "A=B": "1" }, { A: "1\0B=2" }];
    for (const environment of strange) {
      await assertRefused(scene.provider.create(scene.spec(undefined, environment), WITHOUT_END), "invalid_request");
    }
  },

  "create: says what takes time": async (scene) => {
    const said: string[] = [];
    const spec = scene.spec();
    const options = { ...WITHOUT_END, onProgress: (message: string) => said.push(message) };
    const sandbox = scene.keep(await scene.provider.create(spec, options));
    assert.ok(said.length > 0 && said.every((message) => message !== ""), JSON.stringify(said));
    await sandbox.terminate();
  },

  "attach: after its creator was killed": async (scene) => {
    const spec = scene.spec();
    const creator = await soon("another process creates", scene.subject.createElsewhere(spec));
    await creator.kill();
    const provider = scene.another();
    const found = await provider.list({ deployment: scene.deployment });
    assert.deepEqual(
      found.filter(({ tags }) => tags.session === spec.key),
      [{ ref: creator.ref, tags: spec.tags }],
    );
    const sandbox = scene.keep((await provider.attach(creator.ref)) ?? assert.fail("the sandbox is gone"));
    assert.equal(await sandbox.status(), "running");
    assert.deepEqual(sandbox.ref, creator.ref);
    const inside = await listenInside(sandbox);
    assert.equal(await inside.run("return state.seen"), "by the first server");
    await shell(sandbox, "true");
    await sandbox.terminate();
    assert.equal(await scene.provider.attach(creator.ref), null);
  },

  "attach: a reference is plain JSON, and one of something else is refused": async (scene) => {
    const { ref } = await scene.shared();
    assert.deepEqual(JSON.parse(JSON.stringify(ref)), ref);
    const foreign: ContractRef[] = [{}, { provider: "nobody", key: "x" }];
    for (const strange of foreign) {
      await assertRefused(scene.provider.attach(strange), "internal");
    }
  },

  "list: what runs of a deployment, with its tags, and nothing else": async (scene) => {
    const spec = { ...scene.spec(), tags: { ...scene.spec().tags, tenant: "acme", generation: "7" } };
    const sandbox = await scene.create(spec);
    const mine = async () =>
      (await scene.another().list({ deployment: scene.deployment })).filter(
        ({ tags }) => tags.session === spec.tags.session,
      );
    assert.deepEqual(await mine(), [{ ref: sandbox.ref, tags: spec.tags }]);
    assert.deepEqual(await scene.provider.list({ deployment: `${scene.deployment}-other` }), []);
    await sandbox.terminate();
    assert.deepEqual(await mine(), []);
  },
};

async function homeFile(sandbox: Parameters<typeof shell>[0], name: string): Promise<string> {
  return `${await shell(sandbox, 'printf %s "$HOME"')}/${name}`;
}
