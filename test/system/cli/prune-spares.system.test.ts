// SPDX-License-Identifier: Apache-2.0
// What prune leaves alone: containers of pods, and images that are pinned or used by them.

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { NamespaceMode } from "../../../src/gen/runtime/v1/api_pb.js";
import { criSocket, removeAllPods } from "../../support/cri-client.ts";
import { suiteCri } from "../../support/suite-cri.ts";

const ownNetwork = { network: NamespaceMode.POD, pid: NamespaceMode.CONTAINER };

suite("what prune leaves alone", () => {
  const own = suiteCri({ config: '[images]\npinned = ["stays:1"]\n' });

  test("a container that its pod has not started, its image, and pinned images", async () => {
    const { daemon, cri } = own;
    await daemon.importBusybox("stays:1", ["LABEL a=pinned"]);
    await daemon.importBusybox("goes:1", ["LABEL a=goes"]);
    const pod = await cri.runPod({ metadata: { name: "web", namespace: "shop", uid: "u", attempt: 0 } }, ownNetwork);
    const id = await cri.create(pod);
    assert.equal(await daemon.ok("container", "prune", "-f"), "Total reclaimed space: 0B");
    const pruned = await daemon.ok("image", "prune", "-af");
    assert.match(pruned, /^Deleted Images:\nuntagged: goes:1\ndeleted: sha256:[0-9a-f]{64}\n\nTotal/);
    assert.equal(await daemon.ok("ps", "-aq", "--no-trunc"), id);
    assert.deepEqual((await daemon.ok("images", "--format", "{{.Repository}}")).split("\n").toSorted(), [
      "busybox",
      "stays",
    ]);
    const [bridge] = JSON.parse(await daemon.ok("network", "inspect", "bridge"));
    assert.deepEqual([Object.keys(bridge.Pods), bridge.Pods[pod].Name], [[pod], "web"]);
    await removeAllPods(criSocket(daemon));
    await daemon.ok("rmi", "stays:1");
  });
});
