// SPDX-License-Identifier: Apache-2.0
// The bridge: addresses, names, ways in and out, and published ports.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { suite, test } from "node:test";
import type { ContainerOptions } from "../../../sdk/src/index.ts";
import { freePort } from "../../../src/core/networks/testing/network-contract.ts";
import { eventually, startDaemon } from "../../support/daemon.ts";
import { execOutput, outputOf, startContainer } from "../../support/run-container.ts";
import { suiteDaemon } from "../../support/suite-daemon.ts";

const web = ["sh", "-c", 'mkdir -p /www; echo "it is $HOSTNAME" > /www/index.html; exec httpd -f -p 80 -h /www'];

suite("bridge network", () => {
  const at = suiteDaemon();
  const start = async (init: ContainerOptions = {}) => await startContainer(at.client, init);
  const remove = async (...ids: readonly string[]) => {
    for (const id of ids) await at.client.containers.remove(id, { force: true });
  };
  const networkOf = async (id: string) => {
    const [network] = (await at.client.containers.inspect(id)).networks;
    return { address: network?.addresses[0]?.split("/")[0] ?? "", gateway: network?.gateways[0] ?? "" };
  };

  test("a container has the address that inspect tells, a way to the gateway, and its name in its files", async () => {
    const id = await start({ hostname: "box" });
    const { address, gateway } = await networkOf(id);
    assert.match(await execOutput(at.client, id, "ip -4 addr show eth0"), new RegExp(`inet ${address}/24`));
    assert.match(await execOutput(at.client, id, "ip route"), new RegExp(`default via ${gateway} dev eth0`));
    assert.match(await execOutput(at.client, id, `ping -c 1 -W 2 ${gateway}`), /1 packets received/);
    assert.match(await execOutput(at.client, id, "cat /etc/hosts"), new RegExp(`^${address}\tbox$`, "m"));
    assert.match(await execOutput(at.client, id, "ip -o link show lo"), /UP/);
    await remove(id);
  });

  test("two containers reach each other", async () => {
    const server = await start({ command: web, hostname: "server" });
    const { address } = await networkOf(server);
    const fetch = `for i in 1 2 3 4 5 6 7 8 9 10; do wget -q -O - http://${address}/ && exit; sleep 0.1; done; exit 1`;
    assert.equal(await outputOf(at.client, `(${fetch}) 2>/dev/null`), "it is server");
    await remove(server);
  });

  test("a container reaches other networks with the host's address", async (t) => {
    const name = `berth-out-${process.pid}`;
    const ip = (...args: readonly string[]) => execFileSync("ip", args);
    ip("netns", "add", name);
    t.after(() => ip("netns", "delete", name));
    const link = `bo${process.pid}`;
    ip("link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", name);
    ip("addr", "add", "198.51.100.1/24", "dev", link);
    ip("link", "set", link, "up");
    ip("-n", name, "addr", "add", "198.51.100.2/24", "dev", "eth0");
    ip("-n", name, "link", "set", "eth0", "up");
    // The other side knows no way back to the bridge's subnet: only an address of the host's comes back.
    assert.match(await outputOf(at.client, "ping -c 1 -W 2 198.51.100.2"), /1 packets received/);
  });

  test("a published port answers on every address of the host, and is free again at once", async () => {
    const hostPort = await freePort();
    for (let round = 0; round < 2; round++) {
      const id = await start({
        command: web,
        hostname: "web",
        ports: [{ hostPort, containerPort: 80, protocol: "tcp" }],
      });
      const { gateway } = await networkOf(id);
      for (const address of ["127.0.0.1", gateway]) {
        assert.equal(await fetchSoon(`http://${address}:${hostPort}/`), "it is web\n");
      }
      assert.deepEqual(
        (await at.client.containers.inspect(id)).ports.map(({ hostPort: port, containerPort }) => [
          port,
          containerPort,
        ]),
        [[hostPort, 80]],
      );
      await remove(id);
    }
  });

  test("port 0, a range and publish-all choose ports, which inspect tells", async () => {
    const first = await freePort();
    const taken = createServer().listen(first, "0.0.0.0");
    await once(taken, "listening");
    const id = await start({
      command: web,
      ports: [
        { hostPort: 0, containerPort: 80, protocol: "tcp" },
        { hostPort: first, hostPortEnd: first + 20, containerPort: 80, protocol: "tcp" },
      ],
      exposedPorts: ["80/tcp", "5353/udp"],
      publishAll: true,
    });
    taken.close();
    const { ports, hostname } = await at.client.containers.inspect(id);
    assert.deepEqual(
      ports.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`),
      ["80/tcp", "80/tcp", "5353/udp"],
    );
    const [chosen, ranged, udp] = ports.map(({ hostPort }) => hostPort);
    assert.ok(chosen !== undefined && chosen > 0 && udp !== undefined && udp > 0);
    assert.ok(
      ranged !== undefined && ranged > first && ranged <= first + 20,
      `${ranged} is in the range after ${first}`,
    );
    for (const port of [chosen, ranged])
      assert.equal(await fetchSoon(`http://127.0.0.1:${port}/`), `it is ${hostname}\n`);
    await remove(id);
  });

  test("UDP comes in through a published port, and its answer goes back", async (t) => {
    const id = await start({ ports: [{ hostPort: 0, containerPort: 5353, protocol: "udp" }] });
    const { ports, state } = await at.client.containers.inspect(id);
    const [port] = ports;
    // The image has no server for UDP: one of the host's runs in the container's network.
    const code = `const s = require("dgram").createSocket("udp4").bind(5353);
      s.on("message", (text, from) => s.send("got " + text, from.port, from.address));`;
    const server = spawn("nsenter", [`--net=/proc/${state?.pid}/ns/net`, process.execPath, "-e", code], {
      stdio: "inherit",
    });
    t.after(async () => {
      const exited = once(server, "exit");
      server.kill("SIGKILL");
      await exited;
    });
    const socket = createSocket("udp4");
    t.after(() => socket.close());
    let answer: string | undefined;
    socket.on("message", (message) => {
      answer = message.toString();
    });
    await eventually("an answer", () => {
      socket.send("hello\n", port?.hostPort ?? 0, "127.0.0.1");
      return answer;
    });
    assert.equal(answer, "got hello\n");
    await remove(id);
  });

  test("a port that is taken is refused with Docker's text, and nothing is left", async () => {
    const taken = createServer().listen(0, "0.0.0.0");
    await once(taken, "listening");
    const { port } = taken.address() as { readonly port: number };
    const { id } = await at.client.containers.create({
      image: "busybox",
      ports: [{ hostPort: port, containerPort: 80, protocol: "tcp" }],
    });
    const message = `driver failed programming external connectivity: Bind for 0.0.0.0:${port} failed: port is already allocated`;
    await assert.rejects(at.client.containers.start(id), { message });
    const { state, networks } = await at.client.containers.inspect(id);
    assert.deepEqual([state?.status, state?.error, networks], ["created", message, []]);
    const rules = execFileSync("iptables-save").toString();
    assert.ok(!rules.includes(`--dport ${port} `) && !rules.includes(id));
    await new Promise((resolve) => taken.close(resolve));
    await at.client.containers.start(id);
    await remove(id);
  });

  test("a second container with the same port is refused while the first runs", async () => {
    const ports = [{ hostPort: await freePort(), containerPort: 80, protocol: "tcp" }];
    const first = await start({ ports });
    await assert.rejects(startContainer(at.client, { ports }), /port is already allocated/);
    await remove(first);
    await remove(await start({ ports }));
  });

  test("a port on one address of the host is closed on the others", async () => {
    const id = await start({
      command: web,
      hostname: "one",
      ports: [{ hostIp: "127.0.0.1", hostPort: 0, containerPort: 80, protocol: "tcp" }],
    });
    const [port] = (await at.client.containers.inspect(id)).ports;
    assert.equal(port?.hostIp, "127.0.0.1");
    assert.equal(await fetchSoon(`http://127.0.0.1:${port.hostPort}/`), "it is one\n");
    const { gateway } = await networkOf(id);
    await assert.rejects(fetch(`http://${gateway}:${port.hostPort}/`, { signal: AbortSignal.timeout(1000) }));
    await remove(id);
  });

  test("DNS servers, search domains, options and extra hosts are written", async () => {
    const init = {
      dns: ["192.0.2.53", "192.0.2.54"],
      dnsSearch: ["example.org"],
      dnsOptions: ["ndots:3"],
      extraHosts: ["other:192.0.2.7", "host.berth.internal:host-gateway"],
    };
    const id = await start(init);
    const { gateway } = await networkOf(id);
    assert.equal(
      await execOutput(at.client, id, "cat /etc/resolv.conf"),
      "nameserver 192.0.2.53\nnameserver 192.0.2.54\nsearch example.org\noptions ndots:3",
    );
    const hosts = await execOutput(at.client, id, "cat /etc/hosts");
    assert.match(hosts, /^192\.0\.2\.7\tother$/m);
    assert.match(hosts, new RegExp(`^${gateway}\thost\\.berth\\.internal$`, "m"));
    await remove(id);
    const servers = (await outputOf(at.client, "cat /etc/resolv.conf"))
      .split("\n")
      .filter((line) => line.startsWith("nameserver"));
    assert.ok(servers.length > 0 && servers.every((line) => !line.includes(" 127.")), servers.join());
  });
  test("two daemons side by side have bridges, subnets, names and containers of their own", async (t) => {
    const other = await startDaemon(t);
    await other.importBusybox();
    const init = { command: web, hostname: "same", ports: [{ hostPort: 0, containerPort: 80, protocol: "tcp" }] };
    const ids = [
      await startContainer(at.client, { ...init, name: "twin" }),
      await startContainer(other.client, { ...init, name: "twin" }),
    ];
    const both = [await at.client.containers.inspect("twin"), await other.client.containers.inspect("twin")];
    assert.deepEqual(
      both.map(({ id }) => id),
      ids,
    );
    const gateways = both.map(({ networks }) => networks[0]?.gateways[0]);
    assert.notEqual(gateways[0], gateways[1]);
    for (const [index, { ports }] of both.entries()) {
      assert.equal(await fetchSoon(`http://${gateways[index]}:${ports[0]?.hostPort}/`), "it is same\n");
    }
    assert.equal((await at.client.containers.list({ all: true, filters: { name: ["^twin$"] } })).length, 1);
    await at.client.containers.remove("twin", { force: true });
    assert.equal((await other.client.containers.inspect("twin")).state?.status, "running");
    await other.client.containers.remove("twin", { force: true });
    const links = await readFile("/proc/net/dev", "utf8");
    assert.ok(links.includes(at.daemon.bridge) && links.includes(other.bridge));
  });
});

/** The server inside may need a moment. */
async function fetchSoon(url: string): Promise<string> {
  const deadline = Date.now() + 5000;
  for (;;) {
    try {
      return await (await fetch(url, { headers: { connection: "close" }, signal: AbortSignal.timeout(2000) })).text();
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}
