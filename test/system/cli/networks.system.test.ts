// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { suiteDaemon } from "../../support/suite-daemon.ts";

suite("networks with the berth command", () => {
  const at = suiteDaemon();

  test("are listed under the names that run takes", async () => {
    const { daemon } = at;
    const [header, ...rows] = (await daemon.ok("network", "ls")).split("\n");
    assert.match(header ?? "", /^NETWORK ID +NAME +DRIVER +SCOPE$/);
    assert.deepEqual(
      rows.map((row) => row.split(/ +/).slice(1)),
      [
        ["bridge", "bridge", "local"],
        ["host", "host", "local"],
        ["none", "null", "local"],
      ],
    );
    assert.match(await daemon.ok("network", "ls", "-q", "-f", "name=bridge"), /^[0-9a-f]{12}$/);
    assert.match(await daemon.ok("network", "ls", "-q", "--no-trunc", "-f", "driver=host"), /^[0-9a-f]{64}$/);
    assert.equal(await daemon.ok("network", "ls", "--format", "{{.Name}}", "-f", "type=custom"), "");
  });

  test("inspect shows the subnet and who is on it, by name and by id", async () => {
    const { daemon } = at;
    const id = await daemon.ok("run", "-d", "--name", "on-it", "busybox", "sleep", "1000");
    const [bridge] = JSON.parse(await daemon.ok("network", "inspect", "bridge"));
    const address = await daemon.ok("inspect", "-f", "{{.NetworkSettings.IPAddress}}", id);
    assert.deepEqual(Object.keys(bridge.Containers), [id]);
    assert.equal(bridge.Containers[id].Name, "on-it");
    assert.equal(bridge.Containers[id].IPv4Address, `${address}/24`);
    assert.match(bridge.IPAM.Config[0].Subnet, /^10\.\d+\.\d+\.0\/24$/);
    assert.equal(await daemon.ok("inspect", "-f", "{{.Name}}", bridge.Id.slice(0, 12)), "bridge");
    await daemon.ok("rm", "-f", id);
    assert.equal(await daemon.ok("network", "inspect", "-f", "{{len .Containers}}", "bridge"), "0");
  });

  test("what cannot be done says why", async () => {
    const { daemon } = at;
    for (const args of [
      ["create", "--subnet", "10.0.0.0/8", "mine"],
      ["rm", "bridge"],
      ["connect", "bridge", "x"],
    ]) {
      const { status, stderr } = await daemon.berth(["network", ...args]);
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`^network ${args[0]} is not supported: .* files of CNI`));
    }
    const missing = await daemon.berth(["network", "inspect", "nothing"]);
    assert.deepEqual(missing, { status: 1, stdout: "[]\n", stderr: "Error: No such network: nothing\n" });
    assert.match((await daemon.berth(["network", "ls", "-f", "x=y"])).stderr, /invalid filter 'x'/);
  });
});
