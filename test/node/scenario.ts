// SPDX-License-Identifier: Apache-2.0
// What happens in a run, phase after phase. Everything that was promised of a pod is looked at again after each.

import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { mountPointsWithin } from "../../src/linux/mount/unmount.ts";
import { containerId, containerStatus } from "./kubelet/api.ts";
import { podLogsDirectory, rootDirectory } from "./kubelet/config.ts";
import { type Episode, endingProbe, unreachable, withoutUserNamespaces } from "./kubelet/log.ts";
import { askPort, exec } from "./kubelet/streams.ts";
import { makeDefault } from "./open-node.ts";
import { chatty } from "./pods/chatty.ts";
import { checkLeft, completed, crashing, greedy, leave, leaving } from "./pods/failing.ts";
import { onHandler, sandboxOf } from "./pods/on-handler.ts";
import { orderly } from "./pods/orderly.ts";
import { changing, hooked, imageVolume, limited, mapped, published, sharing, unconfined } from "./pods/plain.ts";
import { images, type PodCase } from "./pods/pod-case.ts";
import { obeyProbes, probed } from "./pods/probed.ts";
import { holds, type TestNode } from "./test-node.ts";

/** When pods are given time and looked at again, in milliseconds. */
const soakIntervalMs = 10_000;
/** The kubelet looks for images to remove at its start, and then every five minutes. */
const imageCollectionMs = 5 * 60_000;

/** The kubelet's calls may still wait before they try again. */
const graceMs = 5000;

/** Every case is added, watched, and withdrawn again; between that, daemon and kubelet are killed. */
export class Scenario {
  readonly #node: TestNode;
  readonly #say: (line: string) => void;
  readonly #cases = new Map<string, PodCase>();
  /** Ids of containers that must stay. */
  readonly #steady = new Map<string, string>();
  readonly #episodes: Episode[] = [];

  constructor(node: TestNode, say: (line: string) => void) {
    this.#node = node;
    this.#say = say;
  }

  /** When what in the kubelet's log was the test's doing. */
  get episodes(): readonly Episode[] {
    return this.#episodes;
  }

  /** Until is when the last manifests are withdrawn, if all else is done by then. */
  async play(until: number): Promise<void> {
    const node = this.#node;
    await node.kubelet.start();
    await this.#add(orderly, probed, published, crashing, completed, greedy, leaving, limited, hooked);
    await this.#add(sharing, unconfined, mapped, imageVolume, chatty, changing("third"), onHandler("runc"));
    await this.#add(onHandler("untrusted"));
    await this.#checkAll("up");
    await this.#during(endingProbe, async () => await obeyProbes(node));
    await this.#checkStreams();
    this.#say("probes obeyed");
    await this.#change();
    await this.#withdraw(hooked);
    await this.#restartKubelet();
    const collected = Date.now() + imageCollectionMs;
    await this.#killDaemon("task");
    await this.#loseSandbox();
    await this.#during(withoutUserNamespaces, async () => {
      await this.#killDaemon("crun");
      await this.#killDaemon("runc");
    });
    await this.#checkStats();
    await this.#collectContainers();
    await this.#soak(until);
    if (until > collected + soakIntervalMs) await this.#collectImages();
    await this.#during(endingProbe, async () => await this.#withdrawAll());
  }

  async #add(...cases: readonly PodCase[]): Promise<void> {
    for (const each of cases) {
      await this.#node.makeSharedDirectory(each.name);
      await this.#node.kubelet.apply(each.manifest(this.#node));
      this.#cases.set(each.name, each);
      for (const name of each.steady) this.#steady.delete(`${each.name}/${name}`);
    }
  }

  async #checkAll(phase: string): Promise<void> {
    for (const each of this.#cases.values()) {
      await holds(`${phase}: pod ${each.name}`, async () => await each.check(this.#node));
      for (const name of each.steady) await this.#checkSteady(each.name, name);
    }
    this.#say(`${phase}: ${this.#cases.size} pods as promised`);
  }

  /** The same container as ever, never restarted. */
  async #checkSteady(pod: string, name: string): Promise<void> {
    const id = containerId(await this.#node.container(pod, name));
    const key = `${pod}/${name}`;
    const known = this.#steady.get(key);
    if (id === undefined) return;
    if (known === undefined) this.#steady.set(key, id);
    else assert.equal(id, known, `container ${name} of pod ${pod} was replaced`);
  }

  async #checkStreams(): Promise<void> {
    const name = { pod: "orderly", container: "main" };
    const reply = await exec(this.#node.kubelet, name, ["sh", "-c", "cat /work/state; exit 0"]);
    assert.deepEqual(reply, { stdout: "prepared\n", status: "Success" });
    assert.equal((await exec(this.#node.kubelet, name, ["false"])).status, "Failure");
    const answer = await askPort(this.#node.kubelet, "published", 80, "GET / HTTP/1.0\r\n\r\n");
    assert.match(answer, /^HTTP\/1.1 200 OK/);
    this.#say("exec, log and port-forward through the kubelet");
  }

  /** Another manifest under the same name is another pod; the old one goes. */
  async #change(): Promise<void> {
    const before = await this.#node.pod("changing");
    await this.#add(changing("second"));
    await holds("a changed manifest replaces the pod", async () => {
      const after = await this.#node.readyPod("changing");
      assert.notEqual(after.metadata.uid, before.metadata.uid);
      const { containers } = await this.#node.runtime.listContainers({
        filter: { labelSelector: { "io.kubernetes.pod.uid": before.metadata.uid } },
      });
      assert.deepEqual(containers, []);
    });
    await this.#checkAll("manifest changed");
  }

  /** One manifest goes, and all of its pod, and nothing else. */
  async #withdraw(gone: PodCase): Promise<void> {
    const { runtime, kubelet } = this.#node;
    const { uid } = (await this.#node.pod(gone.name)).metadata;
    await kubelet.withdraw(gone.name);
    this.#cases.delete(gone.name);
    await holds(`pod ${gone.name} goes`, async () => {
      const filter = { labelSelector: { "io.kubernetes.pod.uid": uid } };
      const { items } = await runtime.listPodSandbox({ filter });
      const { containers } = await runtime.listContainers({ filter });
      const paths = [rootDirectory(kubelet.setup), podLogsDirectory(kubelet.setup)];
      const names = await Promise.all(paths.map(async (directory) => await readdir(directory, { recursive: true })));
      const files = names.flat().filter((name) => name.includes(uid));
      assert.deepEqual({ items, containers, files }, { items: [], containers: [], files: [] });
    });
    await gone.checkRemoved?.(this.#node);
    await this.#checkAll("one manifest removed");
  }

  /** Killed; another life, which asks CRI for statistics and is told of events. */
  async #restartKubelet(): Promise<void> {
    await this.#node.kubelet.stop("SIGKILL");
    await this.#node.kubelet.start({ PodAndContainerStatsFromCRI: true, EventedPLEG: true });
    await this.#checkAll("kubelet killed");
  }

  /** Killed and started again, each further handler being the default then; a container ends meanwhile. */
  async #killDaemon(handler: string): Promise<void> {
    const { daemon } = this.#node;
    await makeDefault(daemon, handler);
    const before = await this.#node.container("leaving", "main");
    await this.#during(unreachable, async () => {
      await daemon.kill();
      await leave(this.#node);
      await daemon.start();
    });
    await checkLeft(this.#node, before);
    if (!this.#cases.has(onHandler(handler).name)) await this.#add(onHandler(handler));
    await this.#checkAll(`daemon killed, default handler ${handler}`);
  }

  /** What the kubelet logs meanwhile, and shortly after, is expected. */
  async #during(expected: RegExp, work: () => Promise<void>): Promise<void> {
    const from = Date.now();
    await work();
    this.#episodes.push({ from, until: Date.now() + graceMs, expected });
  }

  /** The process dies that stands for a pod: the kubelet makes it anew. */
  async #loseSandbox(): Promise<void> {
    const name = "on-task";
    const before = await sandboxOf(this.#node, name);
    assert(before.pid > 1, "a process stands for the pod");
    process.kill(before.pid, "SIGKILL");
    this.#steady.delete(`${name}/main`);
    await holds("a pod whose sandbox died is made anew", async () => {
      const after = await sandboxOf(this.#node, name);
      assert.notEqual(after.id, before.id);
      await this.#cases.get(name)?.check(this.#node);
    });
    await this.#checkAll("sandbox died");
  }

  async #checkStats(): Promise<void> {
    await holds("statistics of every running container", async () => {
      const { pods } = await this.#node.kubelet.statsSummary();
      for (const each of this.#cases.values()) {
        const pod = await this.#node.pod(each.name);
        if (pod.status.phase !== "Running") continue;
        const stats = pods.find(({ podRef }) => podRef.name === pod.metadata.name);
        assert(stats !== undefined, `no statistics of pod ${each.name}`);
        for (const name of each.steady) {
          if (containerStatus(pod, name)?.state.running === undefined) continue;
          const container = stats.containers.find((one) => one.name === name);
          assert((container?.cpu?.usageCoreNanoSeconds ?? 0) > 0, `no processor time of ${each.name}/${name}`);
          assert((container?.memory?.workingSetBytes ?? 0) > 0, `no memory of ${each.name}/${name}`);
        }
      }
    });
    this.#say("statistics of all pods by way of the kubelet");
  }

  /** The kubelet keeps one dead container of those in a crash loop. */
  async #collectContainers(): Promise<void> {
    await holds("the kubelet removes dead containers", async () => {
      const pod = await this.#node.pod("crashing");
      const { containers } = await this.#node.runtime.listContainers({
        filter: {
          labelSelector: { "io.kubernetes.pod.uid": pod.metadata.uid, "io.kubernetes.container.name": "main" },
        },
      });
      const restarts = containerStatus(pod, "main")?.restartCount ?? 0;
      assert(restarts > containers.length + 2, `${restarts} restarts, ${containers.length} containers`);
      this.#say(`container collection: ${restarts} restarts, ${containers.length} containers left`);
    });
  }

  async #soak(until: number): Promise<void> {
    let rounds = 0;
    while (Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, Math.min(soakIntervalMs, until - Date.now())));
      for (const each of this.#cases.values()) {
        await holds(`soak: pod ${each.name}`, async () => await each.check(this.#node), 30_000);
        for (const name of each.steady) await this.#checkSteady(each.name, name);
      }
      rounds++;
    }
    if (rounds > 0) this.#say(`soaked: ${rounds} rounds of all checks`);
  }

  /** The image of a pod that changed is gone, those in use are not. */
  async #collectImages(): Promise<void> {
    await holds("the kubelet removes unused images", async () => {
      const { images: present } = await this.#node.images.listImages({});
      const names = present.flatMap(({ repoTags }) => repoTags);
      assert(!names.includes(images.third), `still there: ${names.join(", ")}`);
      for (const name of [images.busybox, images.nginx, images.first, images.second])
        assert(names.includes(name), `${name} is gone`);
    });
    this.#say("image collection: the unused one is gone");
  }

  async #withdrawAll(): Promise<void> {
    const node = this.#node;
    for (const name of this.#cases.keys()) await node.kubelet.withdraw(name);
    // The kubelet takes the last dead away once a minute.
    await holds(
      "nothing is left",
      async () => {
        const { items } = await node.runtime.listPodSandbox({});
        const { containers } = await node.runtime.listContainers({});
        const left = {
          pods: items.map(({ metadata }) => metadata?.name),
          containers: containers.map(({ metadata }) => metadata?.name),
          directories: await readdir(`${rootDirectory(node.kubelet.setup)}/pods`),
          logs: await readdir(podLogsDirectory(node.kubelet.setup)),
          mounts: await mountPointsWithin(rootDirectory(node.kubelet.setup)),
        };
        assert.deepEqual(left, { pods: [], containers: [], directories: [], logs: [], mounts: [] });
      },
      240_000,
    );
    for (const each of this.#cases.values()) await each.checkRemoved?.(node);
    this.#say("all manifests removed: nothing is left");
  }
}
