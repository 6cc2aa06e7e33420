// SPDX-License-Identifier: Apache-2.0
// A day of an operator with crictl: images, a pod, a container, all that can be asked of them, and their end.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import path from "node:path";
import { text } from "node:stream/consumers";
import { before, suite, test } from "node:test";
import { startDockerRegistry } from "../../../src/drivers/registry/http/testing/docker-registry.ts";
import { criSocket } from "../../support/cri-client.ts";
import { eventually } from "../../support/eventually.ts";
import { suiteCri } from "../../support/suite-cri.ts";
import { writeCrictlConfig } from "../cri/crictl.ts";
import { CrictlSession } from "./crictl-session.ts";

const script = path.join(import.meta.dirname, "../cri/build-tools.sh");
const tools = spawnSync(script, { encoding: "utf8" });
assert.ok(tools.status === 0 || tools.status === 3, tools.stderr);
const id64 = /^[0-9a-f]{64}$/;

interface Items {
  readonly items?: readonly { readonly id: string; readonly state: string }[];
  readonly containers?: readonly { readonly id: string; readonly state: string; readonly imageId: string }[];
}

if (tools.status === 3) {
  void test("crictl", { skip: tools.stderr.trim() }, () => {});
} else {
  suite("crictl", { timeout: 180_000 }, () => {
    const own = suiteCri();
    let crictl: CrictlSession;
    let pod = "";
    let container = "";
    let logDirectory = "";

    before(async () => {
      const config = path.join(own.daemon.directory, "crictl.yaml");
      await writeCrictlConfig(config, criSocket(own.daemon));
      crictl = new CrictlSession(path.join(tools.stdout.trim(), "crictl"), config);
      logDirectory = path.join(own.daemon.directory, "crictl-logs");
      await mkdir(logDirectory);
    });

    const file = async (name: string, content: object) => {
      const target = path.join(own.daemon.directory, name);
      await writeFile(target, JSON.stringify(content));
      return target;
    };

    test("version and info: who answers, and that it is ready", async () => {
      const version = await crictl.ok("version");
      assert.match(version, /RuntimeName:\s+berth/);
      assert.match(version, /RuntimeApiVersion:\s+v1/);
      const { status } = await crictl.json<{ status: { conditions: { type: string; status: boolean }[] } }>("info");
      assert.deepEqual(
        status.conditions.filter(({ status: isMet }) => !isMet),
        [],
      );
      assert.match(await crictl.ok("runtime-config"), /CGROUPFS/i);
    });

    test("pull, images, inspecti, rmi", async () => {
      await using registry = await startDockerRegistry();
      const name = `${registry.domain}/crictl:v1`;
      await own.daemon.importBusybox(name, ["LABEL pulled=yes"]);
      await own.daemon.client.images.push(name);
      await own.daemon.client.images.remove(name);
      assert.match(await crictl.ok("pull", name), /Image is up to date for sha256:[0-9a-f]{64}/);
      const { images } = await crictl.json<{ images: { id: string; repoTags: string[] }[] }>("images", "-o", "json");
      const image = images.find(({ repoTags }) => repoTags.includes(name));
      assert.match(image?.id ?? "", /^sha256:[0-9a-f]{64}$/);
      const { status } = await crictl.json<{ status: { id: string; size: string } }>("inspecti", name);
      assert.equal(status.id, image?.id);
      assert.ok(Number(status.size) > 0);
      assert.match(await crictl.ok("images"), new RegExp(`${registry.domain}/crictl\\s+v1`));
      assert.match(await crictl.fails("pull", `${registry.domain}/none:v1`), /NotFound|not found/i);
      await crictl.ok("rmi", name);
      assert.match(await crictl.fails("inspecti", name), /no such image/i);
    });

    test("runp, create, start: a pod and a container that are listed and inspected", async () => {
      const podConfig = await file("pod.json", {
        metadata: { name: "operated", namespace: "ops", uid: "uid-1", attempt: 0 },
        log_directory: logDirectory,
        labels: { app: "crictl" },
        linux: {},
      });
      const containerConfig = await file("container.json", {
        metadata: { name: "main", attempt: 0 },
        image: { image: "busybox:latest" },
        command: [
          "sh",
          "-c",
          "echo started; (while :; do echo served | nc -l -p 8080; done) & while read -r line; do echo got $line; done; sleep 1000",
        ],
        log_path: "main.log",
        stdin: true,
        linux: {},
      });
      pod = await crictl.ok("runp", podConfig);
      assert.match(pod, id64);
      assert.match(await crictl.fails("runp", podConfig), /AlreadyExists/);
      container = await crictl.ok("create", pod, containerConfig, podConfig);
      assert.match(container, id64);
      assert.equal(await crictl.ok("start", container), container);
      const { items } = await crictl.json<Items>("pods", "-o", "json");
      assert.deepEqual(
        items?.map(({ id, state }) => [id, state]),
        [[pod, "SANDBOX_READY"]],
      );
      const { containers } = await crictl.json<Items>("ps", "-o", "json");
      assert.deepEqual(
        containers?.map(({ id, state }) => [id, state]),
        [[container, "CONTAINER_RUNNING"]],
      );
      assert.match(await crictl.ok("ps"), new RegExp(`${container.slice(0, 13)}.* main .*${pod.slice(0, 13)}`));
      const shown = await crictl.json<{ status: { state: string; logPath: string }; info: object }>(
        "inspect",
        container,
      );
      assert.equal(shown.status.logPath, path.join(logDirectory, "main.log"));
      assert.ok("runtimeSpec" in shown.info);
      const podShown = await crictl.json<{ status: { network: { ip: string } } }>("inspectp", pod);
      assert.match(podShown.status.network.ip, /^10\./);
    });

    test("exec: synchronously, over SPDY and over WebSocket, with stdin, a terminal and exit codes", async () => {
      assert.equal((await crictl.ok("exec", "-s", container, "echo", "sync")).trim(), "sync");
      assert.match(await crictl.fails("exec", "-s", container, "sh", "-c", "exit 3"), /3/);
      for (const transport of ["spdy", "websocket"]) {
        const exec = ["exec", "-r", transport];
        assert.equal(await crictl.ok(...exec, container, "echo", transport), transport);
        assert.match(await crictl.fails(...exec, container, "sh", "-c", "echo bad >&2; exit 4"), /bad[^]*4/);
        const { status, stdout } = await crictl.run([...exec, "-i", container, "wc", "-c"], "x".repeat(100_000));
        assert.deepEqual([status, stdout.trim()], [0, "100000"], transport);
      }
      assert.match(await crictl.fails("exec", "-s", "--timeout", "1", container, "sleep", "60"), /DeadlineExceeded/);
    });

    test("logs: all, the tail, and on and on; attach feeds it", async () => {
      assert.equal(await crictl.ok("logs", container), "started");
      await using follow = crictl.background("logs", "-f", container);
      await follow.until(/started/);
      for (const transport of ["spdy", "websocket"]) {
        await using attached = crictl.background("attach", "-i", "-r", transport, container);
        await eventually("an echo", () => {
          attached.type(`${transport}\n`);
          return attached.said.includes(`got ${transport}`) ? true : undefined;
        });
        await follow.until(new RegExp(`got ${transport}`));
      }
      assert.match(await crictl.ok("logs", "--tail", "1", container), /^got websocket$/);
      await crictl.ok("logs", "-r", container);
    });

    test("port-forward: both ways", async () => {
      for (const transport of ["spdy", "websocket"]) {
        const port = await freePort();
        await using forward = crictl.background("port-forward", "-r", transport, pod, `${port}:8080`);
        await forward.until(/Forwarding from 127\.0\.0\.1/);
        await eventually("an answer", async () => {
          const answer = await text(connect(port, "127.0.0.1")).catch(() => "");
          return answer === "served\n" ? true : undefined;
        });
      }
    });

    test("stats, statsp, metricsp, metricdescs, imagefsinfo", async () => {
      const { stats } = await crictl.json<{ stats: { attributes: { id: string } }[] }>("stats", "-o", "json");
      assert.deepEqual(
        stats.map(({ attributes }) => attributes.id),
        [container],
      );
      const pods = await crictl.json<{ stats: { attributes: { id: string } }[] }>("statsp", "-o", "json");
      assert.deepEqual(
        pods.stats.map(({ attributes }) => attributes.id),
        [pod],
      );
      assert.match(await crictl.ok("metricsp"), new RegExp(pod));
      assert.match(await crictl.ok("metricdescs"), /container_memory_usage_bytes/);
      assert.match(await crictl.ok("imagefsinfo"), /snapshots/);
    });

    test("events, while it is all stopped and removed", async () => {
      await using events = crictl.background("events");
      await eventually("an event", async () => {
        const other = await own.cri.runPod();
        await own.cri.removePod(other);
        return events.said.includes("CONTAINER_CREATED_EVENT") ? true : undefined;
      });
      await crictl.ok("update", "--cpu-share", "300", container);
      assert.match(await crictl.fails("rm", container), /running/);
      assert.equal(await crictl.ok("stop", "--timeout", "0", container), container);
      const { containers } = await crictl.json<Items>("ps", "-a", "-o", "json");
      assert.deepEqual(
        containers?.map(({ id, state }) => [id, state]),
        [[container, "CONTAINER_EXITED"]],
      );
      await crictl.ok("rm", container);
      assert.match(await crictl.ok("stopp", pod), new RegExp(pod));
      assert.match(await crictl.ok("rmp", pod), new RegExp(pod));
      assert.deepEqual((await crictl.json<Items>("pods", "-o", "json")).items ?? [], []);
      await events.until(new RegExp(`${pod}[^]*CONTAINER_DELETED_EVENT|CONTAINER_DELETED_EVENT[^]*${pod}`));
      assert.match(events.said, new RegExp(container));
    });
  });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  assert.ok(typeof address === "object" && address !== null);
  server.close();
  await once(server, "close");
  return address.port;
}
