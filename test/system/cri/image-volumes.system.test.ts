// SPDX-License-Identifier: Apache-2.0
// Images mounted into containers (KEP-4639), by the descriptions of cri-tools' later specs: the digest in the status, what
// is mounted, what is refused, sub paths.

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import path from "node:path";
import { suite, test } from "node:test";
import { type ContainerInit, refused } from "../../support/cri-client.ts";
import { suiteCri } from "../../support/suite-cri.ts";

const image = { image: "busybox:latest" };

suite("images as volumes", () => {
  const own = suiteCri();

  const withImage = (mount: object): ContainerInit => ({
    mounts: [{ containerPath: "/volume", image, readonly: true, ...mount }],
  });
  const imageId = async () => (await own.cri.images.imageStatus({ image })).image?.id ?? "";
  const pods = async <T>(use: (podSandboxId: string) => Promise<T>): Promise<T> => {
    const podSandboxId = await own.cri.runPod();
    try {
      return await use(podSandboxId);
    } finally {
      await own.cri.removePod(podSandboxId);
      assert.deepEqual(await readdir(path.join(own.daemon.state, "image-mounts")), []);
    }
  };

  test("the status says which image is mounted, by its digest", async () => {
    await pods(async (pod) => {
      const container = await own.cri.start(pod, withImage({}));
      const { mounts } = await own.cri.status(container);
      const id = await imageId();
      assert.match(id, /^sha256:[0-9a-f]{64}$/);
      assert.deepEqual(
        mounts.map(({ containerPath, readonly, image: shown }) => [containerPath, readonly, shown?.imageRef]),
        [["/volume", true, id]],
      );
    });
  });

  test("it is mounted read-only, and its programs can be run", async () => {
    await pods(async (pod) => {
      const container = await own.cri.start(pod, withImage({}));
      assert.equal(await own.cri.output(container, "/volume/bin/busybox echo run"), "run");
      const { exitCode, stderr } = await own.cri.exec(container, "touch /volume/file");
      assert.notEqual(exitCode, 0);
      assert.match(stderr, /Read-only file system/);
    });
  });

  test("one that is not asked for read-only is mounted read-only all the same, or refused", async () => {
    await pods(async (pod) => {
      await assert.rejects(own.cri.create(pod, withImage({ readonly: false })), refused("InvalidArgument", "/volume"));
      const { containers } = await own.cri.runtime.listContainers({ filter: { podSandboxId: pod } });
      assert.deepEqual(containers, []);
    });
  });

  test("a sub path shows that directory of the image", async () => {
    await pods(async (pod) => {
      const container = await own.cri.start(pod, withImage({ imageSubPath: "bin" }));
      assert.equal(await own.cri.output(container, "/volume/busybox echo sub"), "sub");
      const { mounts } = await own.cri.status(container);
      assert.equal(mounts[0]?.imageSubPath, "bin");
    });
  });

  test("a sub path that is not in the image, is no directory, or leads out of it is refused and leaves nothing", async () => {
    await pods(async (pod) => {
      for (const imageSubPath of ["no/such", "bin/busybox", "../outside", "bin/../../outside"]) {
        await assert.rejects(
          own.cri.create(pod, withImage({ imageSubPath })),
          /ImageVolumeMountFailed|subpath|sub path/,
          imageSubPath,
        );
      }
      await assert.rejects(own.cri.create(pod, withImage({ hostPath: "/tmp" })), refused("InvalidArgument", "/volume"));
      await assert.rejects(
        own.cri.create(pod, {
          mounts: [{ containerPath: "/volume", image: { image: "no.such/image:1" }, readonly: true }],
        }),
        refused("NotFound", "no.such/image"),
      );
    });
  });

  test("the mount stays when the daemon is killed and comes back", async () => {
    await pods(async (pod) => {
      const container = await own.cri.start(pod, withImage({}));
      await own.daemon.kill();
      await own.daemon.start();
      assert.equal(await own.cri.output(container, "/volume/bin/busybox echo still"), "still");
    });
  });
});
