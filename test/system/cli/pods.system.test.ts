// SPDX-License-Identifier: Apache-2.0
// Pods and their containers as the berth command shows them, and what it does to them.

import assert from "node:assert/strict";
import path from "node:path";
import { afterEach, suite, test } from "node:test";
import { NamespaceMode } from "../../../src/gen/runtime/v1/api_pb.js";
import { criSocket, hostPod, type PodInit, removeAllPods } from "../../support/cri-client.ts";
import { suiteCri } from "../../support/suite-cri.ts";

const ownNetwork = { network: NamespaceMode.POD, pid: NamespaceMode.CONTAINER };

suite("pods in the berth command", () => {
  const own = suiteCri();

  // Here and not at the end of each test: one that failed must not take the others with it.
  afterEach(async () => {
    await removeAllPods(criSocket(own.daemon));
    for (const { id } of await own.daemon.client.containers.list({ all: true })) {
      await own.daemon.client.containers.remove(id, { force: true });
    }
  });

  const pod = (name: string, namespace: string, init: PodInit = {}) =>
    ({
      metadata: { name, namespace, uid: `uid-${name}`, attempt: 0 },
      logDirectory: path.join(own.cri.logDirectory, `${namespace}-${name}`),
      ...init,
    }) as PodInit;

  const lines = async (...args: readonly string[]) =>
    (await own.daemon.ok(...args)).split("\n").filter((line) => line !== "");

  test("lists them as crictl does, by filter, as ids, as JSON and by template", async () => {
    const web = await own.cri.runPod(pod("web", "shop", { labels: { tier: "front" } }), ownNetwork);
    const old = await own.cri.runPod(pod("worker", "batch"));
    await own.cri.runtime.stopPodSandbox({ podSandboxId: old });
    const { status } = await own.cri.runtime.podSandboxStatus({ podSandboxId: web });
    const address = status?.network?.ip ?? "";
    assert.notEqual(address, "");

    const [header = "", ...rows] = await lines("pods");
    assert.deepEqual(header.split(/ {2,}/), [
      "POD ID",
      "CREATED",
      "STATE",
      "NAME",
      "NAMESPACE",
      "ATTEMPT",
      "RUNTIME",
      "IP",
    ]);
    const [ofOld = "", ofWeb = ""] = rows;
    assert.match(ofWeb, new RegExp(`^${web.slice(0, 12)} .* ago +Ready +web +shop +0 +\\S+ +${address}$`));
    assert.match(ofOld, new RegExp(`^${old.slice(0, 12)} .* ago +NotReady +worker +batch +0 +\\S+ *$`));

    assert.deepEqual(await lines("pods", "-q"), [old.slice(0, 12), web.slice(0, 12)]);
    assert.deepEqual(await lines("pods", "-q", "--no-trunc", "--filter", "namespace=shop"), [web]);
    for (const [filter, names] of [
      ["name=we", ["web"]],
      ["state=ready", ["web"]],
      ["state=NotReady", ["worker"]],
      ["label=tier=front", ["web"]],
      ["label=tier", ["web"]],
      [`id=${old.slice(0, 9)}`, ["worker"]],
      ["namespace=sho", []],
    ] as const) {
      assert.deepEqual(await lines("pods", "-f", filter, "--format", "{{.Name}}"), names, filter);
    }
    const [json = ""] = await lines("pods", "--format", "json", "-f", "name=web");
    const { Name, Namespace, UID, State, IP } = JSON.parse(json) as Record<string, string>;
    assert.deepEqual([Name, Namespace, UID, State, IP], ["web", "shop", "uid-web", "Ready", address]);

    const bad = await own.daemon.berth(["pods", "--filter", "state=maybe"]);
    assert.deepEqual([bad.status, bad.stdout], [1, ""]);
    assert.match(bad.stderr, /invalid filter 'state=maybe'/);
  });

  test("shows containers of pods with pod and namespace, and leaves docker's columns alone", async () => {
    const alone = await own.daemon.ok("run", "-d", "--name", "alone", "busybox", "sleep", "1000");
    const docker = ["CONTAINER ID", "IMAGE", "COMMAND", "CREATED", "STATUS", "PORTS", "NAMES"];
    const [plain = ""] = await lines("ps");
    assert.deepEqual(plain.split(/ {2,}/), docker);

    const web = await own.cri.runPod(pod("web", "shop"));
    const id = await own.cri.start(web, { metadata: { name: "server", attempt: 2 } });
    const name = "k8s_server_web_shop_uid-web_2";
    const rows = await lines("ps");
    assert.deepEqual(rows[0]?.split(/ {2,}/), [...docker, "POD", "NAMESPACE"]);
    assert.match(rows.find((row) => row.includes(name)) ?? "", new RegExp(`^${id.slice(0, 12)} .*${name} +web +shop$`));
    assert.match(rows.find((row) => row.startsWith(alone.slice(0, 12))) ?? "", / alone *$/);

    const format = "{{.Names}} [{{.Pod}}] [{{.PodNamespace}}]";
    assert.deepEqual(await lines("ps", "--format", format), [`${name} [web] [shop]`, "alone [] []"]);
    for (const [filter, names] of [
      ["pod=web", [name]],
      ["pod=shop/web", [name]],
      [`pod=${web.slice(0, 12)}`, [name]],
      ["namespace=shop", [name]],
      ["pod=we", []],
      ["namespace=batch", []],
    ] as const) {
      assert.deepEqual(await lines("ps", "-f", filter, "--format", "{{.Names}}"), names, filter);
    }
  });

  test("shows images of pods among the others", async () => {
    const web = await own.cri.runPod(pod("web", "shop"));
    await own.cri.create(web);
    assert.deepEqual(await lines("images", "--format", "{{.Repository}}:{{.Tag}} {{.Containers}}"), [
      "busybox:latest 1",
    ]);
  });

  test("inspects a pod as an object of its own, by id, name and namespace", async () => {
    const web = await own.cri.runPod(pod("web", "shop", { hostname: "web-0", labels: { a: "1" } }), ownNetwork);
    const id = await own.cri.start(web, { metadata: { name: "server", attempt: 0 } });
    const inspect = async (...args: readonly string[]) =>
      (JSON.parse(await own.daemon.ok("inspect", ...args)) as Record<string, unknown>[])[0] ?? {};

    const json = await inspect(web);
    const { Id, Name, Namespace, Uid, Hostname, Labels, Containers } = json;
    assert.deepEqual(
      { Id, Name, Namespace, Uid, Hostname, Labels, Containers },
      {
        Id: web,
        Name: "web",
        Namespace: "shop",
        Uid: "uid-web",
        Hostname: "web-0",
        Labels: { a: "1" },
        Containers: [{ Id: id, Name: "server", Attempt: 0, Status: "running" }],
      },
    );
    for (const reference of [web.slice(0, 12), "web", "shop/web"]) {
      assert.equal((await inspect("--type", "sandbox", reference))["Id"], web, reference);
    }
    assert.deepEqual((await inspect(id))["Pod"], {
      Id: web,
      Name: "web",
      Namespace: "shop",
      Uid: "uid-web",
      ContainerName: "server",
      Attempt: 0,
    });
    assert.equal(await own.daemon.ok("inspect", "-f", "{{.State.Status}}", web), "ready");

    const twin = await own.cri.runPod(pod("web", "test"));
    const unclear = await own.daemon.berth(["inspect", "--type", "sandbox", "web"]);
    assert.equal(unclear.status, 1);
    assert.match(unclear.stderr, /namespaces shop, test are called web: say NAMESPACE\/web/);
    assert.equal((await inspect("--type", "sandbox", "test/web"))["Id"], twin);

    const missing = await own.daemon.berth(["inspect", "--type", "sandbox", "nothing"]);
    assert.deepEqual([missing.status, missing.stderr], [1, "Error: No such sandbox: nothing\n"]);
  });

  test("tells of pods in events, and of what happens in one of them", async () => {
    const since = String(Date.now() / 1000);
    const web = await own.cri.runPod(pod("web", "shop"));
    const other = await own.cri.runPod(pod("other", "shop"));
    await own.cri.start(web);
    await own.cri.start(other);
    const events = async (...filters: readonly string[]) =>
      await lines(
        "events",
        "--since",
        since,
        "--until",
        String(Date.now() / 1000),
        "--format",
        "{{.Type}} {{.Action}} {{.Actor.ID}}",
        ...filters.flatMap((filter) => ["--filter", filter]),
      );
    assert.deepEqual(await events("type=sandbox", "event=start"), [`sandbox start ${web}`, `sandbox start ${other}`]);
    const ofWeb = await events("pod=web");
    assert.ok(ofWeb.includes(`sandbox start ${web}`));
    assert.equal(ofWeb.filter((line) => line.startsWith("container start ")).length, 1);
    assert.ok(ofWeb.every((line) => !line.includes(other)));
    assert.deepEqual(await events(`pod=${web.slice(0, 12)}`), ofWeb);
    assert.equal((await events("namespace=shop", "event=start")).length, 4);
  });

  test("works on a pod's container, but leaves starting it again to the orchestrator", async () => {
    const web = await own.cri.runPod(pod("web", "shop"), hostPod);
    const script = "echo ready; trap 'exit 3' TERM; while :; do sleep 0.1; done";
    const id = await own.cri.startScript(web, script, {
      metadata: { name: "server", attempt: 0 },
      logPath: "server.log",
    });
    const name = "k8s_server_web_shop_uid-web_0";
    assert.equal(await own.daemon.ok("exec", name, "echo", "inside"), "inside");
    await own.cri.until(id, "true");
    assert.equal(await own.daemon.ok("logs", name), "ready");

    const running = await own.daemon.berth(["rm", name]);
    assert.equal(running.status, 1);
    assert.match(running.stderr, /container is running: stop the container before removing/);
    assert.equal(await own.daemon.ok("stop", name), name);
    assert.equal((await own.cri.exited(id)).exitCode, 3);

    const again = await own.daemon.berth(["start", name]);
    assert.equal(again.status, 1);
    assert.match(again.stderr, /was started before and belongs to a pod: its orchestrator makes a new one/);
    assert.equal((await own.cri.exited(id)).exitCode, 3, "the refused start has changed nothing");
    assert.equal(await own.daemon.ok("rm", name), name);
    assert.deepEqual(await lines("ps", "-aq"), []);

    const silent = await own.cri.start(web, { metadata: { name: "silent", attempt: 0 } });
    const logs = await own.daemon.berth(["logs", silent]);
    assert.equal(logs.status, 1);
    assert.match(logs.stderr, /was made without a log: nothing keeps its output/);
    assert.equal(await own.daemon.ok("kill", silent), silent);
    assert.equal((await own.cri.exited(silent)).exitCode, 137);
  });
});
