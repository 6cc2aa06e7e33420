// SPDX-License-Identifier: Apache-2.0
// Containers that share namespaces, with each other or with the host.

import assert from "node:assert/strict";
import { readFile, readlink } from "node:fs/promises";
import { hostname } from "node:os";
import { suite, test } from "node:test";
import { execOutput, outputOf, startContainer } from "../../support/run-container.ts";
import { suiteDaemon } from "../../support/suite-daemon.ts";

suite("shared namespaces", () => {
  const at = suiteDaemon();
  const remove = async (...ids: readonly string[]) => {
    for (const id of ids) await at.client.containers.remove(id, { force: true });
  };

  test("with the host's network a container has its namespace, name and hosts file, and nothing is published", async () => {
    const script = "readlink /proc/self/ns/net; echo --; hostname; echo --; cat /etc/hosts";
    const [namespace, name, hosts] = (await outputOf(at.client, script, { networkMode: "host" })).split(/\n?--\n/);
    assert.equal(namespace, await readlink("/proc/self/ns/net"));
    assert.equal(name, hostname());
    assert.equal(hosts?.trimEnd(), (await readFile("/etc/hosts", "utf8")).trimEnd());
    const ports = [{ hostPort: 0, containerPort: 80, protocol: "tcp" }];
    const { id, warnings } = await at.client.containers.create({ image: "busybox", networkMode: "host", ports });
    assert.deepEqual(warnings, ["Published ports are discarded when using host network mode"]);
    await at.client.containers.start(id);
    assert.deepEqual((await at.client.containers.inspect(id)).ports, []);
    await remove(id);
  });

  test("without a network there is only loopback, which is up", async () => {
    const script = "ls /sys/class/net; ping -c 1 -W 1 127.0.0.1 >/dev/null && echo up; wc -l </proc/net/route";
    assert.equal(await outputOf(at.client, script, { networkMode: "none" }), "lo\nup\n1");
  });

  test("a container that joins another's network has its interfaces, addresses, name and hosts file", async () => {
    const owner = await startContainer(at.client, {
      name: "owner",
      hostname: "shared",
      extraHosts: ["peer:192.0.2.9"],
    });
    const script = "ip -4 addr show eth0; cat /etc/hosts /etc/resolv.conf; hostname; readlink /proc/self/ns/net";
    const expected = await execOutput(at.client, owner, script);
    assert.match(expected, /192\.0\.2\.9\tpeer/);
    assert.equal(await outputOf(at.client, script, { networkMode: "container:owner" }), expected);
    const server = await startContainer(at.client, {
      networkMode: "container:owner",
      command: ["nc", "-l", "-p", "7777", "-e", "echo", "joined"],
    });
    const connect = "for i in 1 2 3 4 5 6 7 8 9 10; do nc 127.0.0.1 7777 2>/dev/null && exit; sleep 0.1; done; exit 1";
    assert.equal(await execOutput(at.client, owner, connect), "joined");
    await remove(server, owner);
  });

  test("joining a container that does not run, or is not there, is a clear error", async () => {
    const { id } = await at.client.containers.create({ image: "busybox" }, { name: "stopped" });
    for (const init of [
      { networkMode: "container:stopped" },
      { pidMode: "container:stopped" },
      { ipcMode: "container:stopped" },
    ]) {
      const { id: joiner } = await at.client.containers.create({ image: "busybox", ...init });
      await assert.rejects(at.client.containers.start(joiner), {
        code: "failed-precondition",
        message: "cannot join the namespaces of container stopped: it is not running",
      });
      assert.equal((await at.client.containers.inspect(joiner)).state?.status, "created");
      await remove(joiner);
    }
    await assert.rejects(at.client.containers.create({ image: "busybox", networkMode: "container:nobody" }), {
      code: "not-found",
      message: /nobody/,
    });
    await remove(id);
  });

  test("options that make no sense with another's network are refused", async () => {
    const id = await startContainer(at.client, { name: "host-of-others" });
    for (const init of [
      { hostname: "x" },
      { dns: ["192.0.2.1"] },
      { extraHosts: ["a:192.0.2.1"] },
      { ports: [{ hostPort: 0, containerPort: 80, protocol: "tcp" }] },
    ]) {
      const config = { image: "busybox", networkMode: "container:host-of-others", ...init };
      await assert.rejects(at.client.containers.create(config), { message: /conflicting options/ });
    }
    await remove(id);
  });

  test("processes are seen with the host's, or another container's, process namespace", async () => {
    const script = "readlink /proc/self/ns/pid";
    assert.equal(await outputOf(at.client, script, { pidMode: "host" }), await readlink("/proc/self/ns/pid"));
    const owner = await startContainer(at.client, { name: "processes", command: ["sleep", "4242"] });
    const seen = await outputOf(at.client, "tr '\\0' ' ' </proc/1/cmdline; echo $(($$ > 1))", {
      pidMode: "container:processes",
    });
    assert.equal(seen, "sleep 4242 1");
    await remove(owner);
  });

  test("shared memory is shared with a shareable container, and refused with a private one", async () => {
    const owner = await startContainer(at.client, { name: "memory", ipcMode: "shareable" });
    await execOutput(at.client, owner, "echo common > /dev/shm/file");
    const script = "cat /dev/shm/file; readlink /proc/self/ns/ipc";
    const joined = await outputOf(at.client, script, { ipcMode: "container:memory" });
    assert.equal(joined, `common\n${await execOutput(at.client, owner, "readlink /proc/self/ns/ipc")}`);
    const secretive = await startContainer(at.client, { name: "private-memory" });
    const { id } = await at.client.containers.create({ image: "busybox", ipcMode: "container:private-memory" });
    await assert.rejects(at.client.containers.start(id), { message: /not shareable/ });
    await remove(id, owner, secretive);
    assert.equal(
      await outputOf(at.client, "readlink /proc/self/ns/ipc", { ipcMode: "host" }),
      await readlink("/proc/self/ns/ipc"),
    );
    assert.equal(await outputOf(at.client, "grep -c /dev/shm /proc/mounts || true", { ipcMode: "none" }), "0");
  });

  test("with the host's UTS namespace a container has the host's name, and cannot be given another", async () => {
    const script = "hostname; readlink /proc/self/ns/uts";
    const expected = `${hostname()}\n${await readlink("/proc/self/ns/uts")}`;
    assert.equal(await outputOf(at.client, script, { utsMode: "host" }), expected);
    await assert.rejects(at.client.containers.create({ image: "busybox", utsMode: "host", hostname: "x" }), {
      message: "conflicting options: hostname and the UTS mode",
    });
  });
});
