// SPDX-License-Identifier: Apache-2.0
// What a pod has of the network: its name, its resolver, its sysctls, and ports of the host.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, createServer } from "node:net";
import { hostname, networkInterfaces } from "node:os";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { suite, test } from "node:test";
import { NamespaceMode, Protocol } from "../../../src/gen/runtime/v1/api_pb.js";
import { hostPod, type PodInit, refused } from "../../support/cri-client.ts";
import { eventually } from "../../support/daemon.ts";
import { suiteCri } from "../../support/suite-cri.ts";

const ownNetwork = { network: NamespaceMode.POD, pid: NamespaceMode.CONTAINER };

suite("the network of a pod", () => {
  const own = suiteCri();

  test("names it and tells its containers where to ask for names", async () => {
    const pod = await own.cri.runPod(
      {
        hostname: "in-the-pod",
        dnsConfig: { servers: ["192.0.2.53", "192.0.2.54"], searches: ["a.test", "b.test"], options: ["ndots:5"] },
      },
      ownNetwork,
    );
    const id = await own.cri.start(pod);
    const ip = (await own.cri.podStatus(pod)).network?.ip ?? "";
    assert.equal(await own.cri.output(id, "hostname"), "in-the-pod");
    assert.equal(await own.cri.output(id, "echo $HOSTNAME; cat /etc/hostname"), "in-the-pod\nin-the-pod");
    assert.equal(
      await own.cri.output(id, "cat /etc/resolv.conf"),
      "nameserver 192.0.2.53\nnameserver 192.0.2.54\nsearch a.test b.test\noptions ndots:5",
    );
    assert.match(await own.cri.output(id, "cat /etc/hosts"), new RegExp(`^${ip}\\s+in-the-pod$`, "m"));
    assert.match(await own.cri.output(id, "ip -4 addr show eth0"), new RegExp(`inet ${ip}/`));
    await own.cri.removePod(pod);
  });

  test("is the host's, name and all, where that was asked for", async () => {
    const pod = await own.cri.runPod({}, hostPod);
    const id = await own.cri.start(pod);
    assert.equal(await own.cri.output(id, "hostname"), hostname());
    assert.match(await own.cri.output(id, "ls /sys/class/net"), new RegExp(own.daemon.bridge));
    await own.cri.removePod(pod);
  });

  test("takes sysctls of its own namespaces only", async () => {
    const sysctls = { "net.ipv4.ip_local_port_range": "2000 3000", "kernel.shm_rmid_forced": "1" };
    const withSysctls = (more: Readonly<Record<string, string>>, namespaces = ownNetwork) => ({
      linux: { sysctls: more, securityContext: { namespaceOptions: namespaces } },
    });
    const pod = await own.cri.runPod(withSysctls(sysctls));
    const id = await own.cri.start(pod);
    const read = "cat /proc/sys/net/ipv4/ip_local_port_range /proc/sys/kernel/shm_rmid_forced";
    assert.equal(await own.cri.output(id, read), "2000\t3000\n1");
    assert.equal(await own.cri.output(id, "cat /proc/sys/net/ipv4/ip_unprivileged_port_start"), "0");
    await own.cri.removePod(pod);
    const refusedWith = async (init: PodInit, word: string) =>
      await assert.rejects(own.cri.runPod(init), refused("InvalidArgument", word));
    await refusedWith(withSysctls({ "vm.swappiness": "1" }), "vm.swappiness");
    await refusedWith(withSysctls({ "net.ipv4.ip_forward": "1" }, hostPod), "net.ipv4.ip_forward");
    await refusedWith(withSysctls({ "net/ipv4/../../vm/swappiness": "1" }), "swappiness");
  });

  test("answers at ports of the host, on loopback and on its address, until it is stopped", async () => {
    const [everywhere, local] = [await freePort(), await freePort()];
    const pod = await own.cri.runPod(
      {
        portMappings: [
          { hostPort: everywhere, containerPort: 8080, protocol: Protocol.TCP },
          { hostPort: local, containerPort: 8080, protocol: Protocol.TCP, hostIp: "127.0.0.1" },
        ],
      } as PodInit,
      ownNetwork,
    );
    await own.cri.startScript(pod, "while :; do echo served | nc -l -p 8080; done");
    await eventually("an answer", async () =>
      (await fetched("127.0.0.1", everywhere)) === "served\n" ? true : undefined,
    );
    await eventually("one more", async () => ((await fetched("127.0.0.1", local)) === "served\n" ? true : undefined));
    const address = ownAddress();
    await eventually("one there", async () => ((await fetched(address, everywhere)) === "served\n" ? true : undefined));
    assert.equal(await fetched(address, local), undefined, "bound to loopback alone");
    await own.cri.runtime.stopPodSandbox({ podSandboxId: pod });
    assert.equal(await fetched("127.0.0.1", everywhere), undefined);
    await own.cri.removePod(pod);
  });

  test("the same over UDP", { timeout: 60_000 }, async () => {
    const hostPort = await freePort();
    const mapping = { hostPort, containerPort: 5353, protocol: Protocol.UDP };
    const pod = await own.cri.runPod({ portMappings: [mapping] } as PodInit, ownNetwork);
    const { info } = await own.cri.runtime.podSandboxStatus({ podSandboxId: pod, verbose: true });
    const { namespaces } = JSON.parse(info["info"] ?? "") as { readonly namespaces: { readonly network: string } };
    // Debian's busybox has no UDP.
    const receive = `require("node:dgram").createSocket("udp4").bind(5353)
      .on("listening", () => console.log("listening")).on("message", (data) => console.log(String(data)))`;
    const receiver = spawn("nsenter", [`--net=${namespaces.network}`, process.execPath, "-e", receive], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(receiver, "exit");
    const socket = createSocket("udp4");
    try {
      const lines = createInterface({ input: receiver.stdout })[Symbol.asyncIterator]();
      assert.equal((await lines.next()).value, "listening");
      for (const address of ["127.0.0.1", ownAddress()]) {
        socket.send(`to ${address}`, hostPort, address);
        assert.equal((await lines.next()).value, `to ${address}`);
      }
    } finally {
      socket.close();
      receiver.kill("SIGKILL");
      await ended;
    }
    await own.cri.removePod(pod);
  });

  test("a port that is taken fails the pod and leaves nothing of it", async () => {
    const server = createServer().listen(0, "0.0.0.0");
    await once(server, "listening");
    const address = server.address();
    const hostPort = typeof address === "object" && address !== null ? address.port : 0;
    try {
      const mapping = { hostPort, containerPort: 80, protocol: Protocol.TCP };
      const run = own.cri.runPod({ portMappings: [mapping] } as PodInit, ownNetwork);
      await assert.rejects(run, (error: Error) => error.message.includes(String(hostPort)));
    } finally {
      server.close();
    }
    assert.deepEqual((await own.cri.runtime.listPodSandbox({})).items, []);
  });
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "0.0.0.0");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  server.close();
  await once(server, "close");
  return address.port;
}

/** undefined when nobody answers. */
async function fetched(host: string, port: number): Promise<string | undefined> {
  const socket = connect({ host, port, timeout: 1000 });
  socket.on("timeout", () => socket.destroy(new Error("no answer")));
  try {
    return await text(socket);
  } catch {
    return undefined;
  }
}

function ownAddress(): string {
  const found = Object.values(networkInterfaces())
    .flat()
    .find((one) => one !== undefined && one.family === "IPv4" && !one.internal);
  assert.ok(found, "the host has an address beside loopback");
  return found.address;
}
