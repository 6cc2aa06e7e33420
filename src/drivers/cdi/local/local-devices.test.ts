// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { lstat, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { buildSpec } from "../../../core/containers/spec/build-spec.ts";
import { specInput } from "../../../core/containers/testing/spec-inputs.ts";
import { createLocalDevices } from "./local-devices.ts";

const { signal } = new AbortController();

async function bed(t: TestContext, files: Readonly<Record<string, object | string>>) {
  const root = await mkdtemp(path.join(tmpdir(), "berth-cdi-"));
  t.after(async () => await rm(root, { recursive: true }));
  const directories = ["etc", "run"].map((name) => path.join(root, name));
  await mkdir(path.join(root, "etc", "directory.json"), { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(root, name)), { recursive: true });
    await writeFile(path.join(root, name), typeof content === "string" ? content : JSON.stringify(content));
  }
  const injector = createLocalDevices(directories);
  return { root, inject: async (...names: readonly string[]) => await injector.inject(spec, names, { signal }) };
}

const spec = buildSpec(specInput());
const device = (edits: object, more: object = {}) => ({
  cdiVersion: "0.5.0",
  kind: "v.com/c",
  devices: [{ name: "d", containerEdits: edits }],
  ...more,
});
const saying = (text: string) => device({ env: [`SAID=${text}`] });

test("a device of the host is given with what the host knows of it", async (t) => {
  const zero = await lstat("/dev/zero");
  const { inject } = await bed(t, {
    "etc/v.yaml":
      "cdiVersion: 0.5.0\nkind: v.com/c\ndevices: [{name: d, containerEdits: {deviceNodes: [{path: /dev/z, hostPath: /dev/zero}]}}]",
  });
  const { linux } = await inject("v.com/c=d");
  assert.deepEqual(linux.devices?.at(-1), {
    type: "c",
    path: "/dev/z",
    major: 1,
    minor: 5,
    fileMode: zero.mode & 0o7777,
  });
  assert.deepEqual(linux.resources?.devices?.at(-1), { allow: true, type: "c", major: 1, minor: 5, access: "rwm" });
});

test("the directory of what changes goes before the other, and files are read anew each time", async (t) => {
  const { root, inject } = await bed(t, { "etc/v.json": saying("etc"), "etc/readme.txt": "no specification" });
  const said = async () => (await inject("v.com/c=d")).process.env.at(-1);
  assert.equal(await said(), "SAID=etc");
  await mkdir(path.join(root, "run"));
  await writeFile(path.join(root, "run/other.json"), JSON.stringify(saying("run")));
  assert.equal(await said(), "SAID=run");
});

test("without devices nothing is read and nothing changes", async () => {
  assert.equal(await createLocalDevices(["/proc/self/mem"]).inject(spec, [], { signal }), spec);
});

test("a device that is not there is named, with the files that could not be read", async (t) => {
  const { root, inject } = await bed(t, {
    "etc/v.json": saying("etc"),
    "etc/broken.json": "{",
    "etc/old.json": { kind: 1 },
  });
  await assert.rejects(inject("v.com/c=d", "v.com/c=none"), (error: Error & { code?: string }) => {
    assert.equal(error.code, "not-found");
    assert.ok(error.message.startsWith("unresolvable CDI devices v.com/c=none ("), error.message);
    for (const name of ["broken.json", "old.json"]) assert.ok(error.message.includes(`${root}/etc/${name}: `));
    return true;
  });
  assert.equal((await inject("v.com/c=d")).process.env.at(-1), "SAID=etc");
  await assert.rejects(inject("nonsense"), { code: "invalid-argument" });
});

test("device files that are not what they should be", async (t) => {
  const { root, inject } = await bed(t, {
    "etc/a.json": device({ deviceNodes: [{ path: "/dev/berth-no-such" }] }),
    "etc/b.json": device({ deviceNodes: [{ path: "/dev/zero", type: "b" }] }, { kind: "v.com/b" }),
    "etc/e.json": device({ deviceNodes: [{ path: "/etc/passwd" }] }, { kind: "v.com/e" }),
    "etc/f.json": device(
      { deviceNodes: [{ path: "/dev/berth-x", type: "c", major: 7, minor: 7 }] },
      { kind: "v.com/f" },
    ),
  });
  const precondition = { code: "failed-precondition" };
  await assert.rejects(inject("v.com/c=d"), { ...precondition, message: /\/dev\/berth-no-such is not on this host/ });
  await assert.rejects(inject("v.com/b=d"), { code: "invalid-argument", message: /of type c on the host, not b/ });
  await assert.rejects(inject("v.com/e=d"), { ...precondition, message: /\/etc\/passwd is not a device node/ });
  assert.equal((await inject("v.com/f=d")).linux.devices?.at(-1)?.major, 7, root);
});
