// SPDX-License-Identifier: Apache-2.0
// The walls that a container has by default, seen from inside, and those that a user can move.

import assert from "node:assert/strict";
import { readFile, readlink } from "node:fs/promises";
import { suite, test } from "node:test";
import { capabilityNames } from "../../../src/base/capabilities.ts";
import { outputOf, type RunInit, runContainer } from "../../support/run-container.ts";
import { suiteDaemon } from "../../support/suite-daemon.ts";

/** Docker's default set. */
const defaultCapabilities = [
  "CAP_AUDIT_WRITE",
  "CAP_CHOWN",
  "CAP_DAC_OVERRIDE",
  "CAP_FOWNER",
  "CAP_FSETID",
  "CAP_KILL",
  "CAP_MKNOD",
  "CAP_NET_BIND_SERVICE",
  "CAP_NET_RAW",
  "CAP_SETFCAP",
  "CAP_SETGID",
  "CAP_SETPCAP",
  "CAP_SETUID",
  "CAP_SYS_CHROOT",
];

function statusField(status: string, name: string): string {
  return new RegExp(`^${name}:\\s*(\\S+)$`, "m").exec(status)?.[1] ?? "";
}

function capabilitiesIn(status: string, set: string): readonly string[] {
  const mask = BigInt(`0x${statusField(status, set)}`);
  return capabilityNames.filter((_name, bit) => (mask & (1n << BigInt(bit))) !== 0n).toSorted();
}

suite("isolation", () => {
  const at = suiteDaemon();
  const statusWith = async (init: RunInit = {}) => await outputOf(at.client, "cat /proc/self/status", init);
  const run = async (script: string, init: RunInit = {}) => await runContainer(at.client, script, init);

  test("a container has namespaces of its own, and process 1", async () => {
    const kinds = ["mnt", "pid", "net", "ipc", "uts"];
    const inside = await outputOf(
      at.client,
      `echo $$; for kind in ${kinds.join(" ")}; do readlink /proc/1/ns/$kind; done`,
    );
    const outside = await Promise.all(kinds.map(async (kind) => await readlink(`/proc/self/ns/${kind}`)));
    const [pid, ...links] = inside.split("\n");
    assert.equal(pid, "1");
    assert.equal(links.length, kinds.length);
    for (const link of links) assert.ok(!outside.includes(link), `${link} is the host's`);
  });

  test("root has the default capabilities and a system call filter", async () => {
    const status = await statusWith();
    for (const set of ["CapEff", "CapPrm", "CapBnd"])
      assert.deepEqual(capabilitiesIn(status, set), defaultCapabilities);
    for (const set of ["CapInh", "CapAmb"]) assert.deepEqual(capabilitiesIn(status, set), []);
    assert.equal(statusField(status, "Seccomp"), "2");
    assert.equal(statusField(status, "NoNewPrivs"), "0");
  });

  test("another user has no capabilities, only their bounding set", async () => {
    const status = await statusWith({ user: "1000" });
    for (const set of ["CapEff", "CapPrm", "CapAmb"]) assert.deepEqual(capabilitiesIn(status, set), []);
    assert.deepEqual(capabilitiesIn(status, "CapBnd"), defaultCapabilities);
  });

  test("unshare and mount are denied, also within a new user namespace", async () => {
    for (const script of ["unshare -n true", "unshare -U true", "mount -t tmpfs none /tmp"]) {
      const { exitCode, stderr } = await run(script);
      assert.notEqual(exitCode, 0, script);
      assert.match(stderr, /operation not permitted|permission denied/i, script);
    }
  });

  test("seccomp=unconfined takes the filter away, and CAP_SYS_ADMIN lets unshare pass", async () => {
    assert.equal(statusField(await statusWith({ securityOptions: ["seccomp=unconfined"] }), "Seccomp"), "0");
    assert.equal(await outputOf(at.client, "unshare -m echo yes", { capabilitiesAdd: ["SYS_ADMIN"] }), "yes");
  });

  test("a seccomp profile of the user is obeyed", async () => {
    const profile = JSON.stringify({
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 38 }],
    });
    const { exitCode, stderr } = await run("mkdir /tmp/new", { securityOptions: [`seccomp=${profile}`] });
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /not implemented/i);
  });

  test("no-new-privileges is set when asked for", async () => {
    assert.equal(statusField(await statusWith({ securityOptions: ["no-new-privileges"] }), "NoNewPrivs"), "1");
  });

  test("capabilities are added and dropped, one by one and all", async () => {
    const effective = async (init: RunInit) => capabilitiesIn(await statusWith(init), "CapEff");
    const [added, dropped, none, one] = await Promise.all([
      effective({ capabilitiesAdd: ["NET_ADMIN"] }),
      effective({ capabilitiesDrop: ["cap_chown"] }),
      effective({ capabilitiesDrop: ["ALL"] }),
      effective({ capabilitiesDrop: ["ALL"], capabilitiesAdd: ["CHOWN"] }),
    ]);
    assert.deepEqual(added, [...defaultCapabilities, "CAP_NET_ADMIN"].toSorted());
    assert.deepEqual(
      dropped,
      defaultCapabilities.filter((name) => name !== "CAP_CHOWN"),
    );
    assert.deepEqual([none, one], [[], ["CAP_CHOWN"]]);
  });

  test("ALL gives every capability that the daemon itself may give", async () => {
    const own = capabilitiesIn(await readFile("/proc/self/status", "utf8"), "CapBnd");
    assert.deepEqual(capabilitiesIn(await statusWith({ capabilitiesAdd: ["ALL"] }), "CapEff"), own);
  });

  test("an unknown capability is refused by name", async () => {
    await assert.rejects(at.client.containers.create({ image: "busybox", capabilitiesAdd: ["NONSENSE"] }), {
      code: "invalid-argument",
      message: /NONSENSE/i,
    });
  });

  test("a privileged container has the daemon's capabilities, no filter, the host's devices and a writable /proc/sys", async () => {
    const status = await statusWith({ privileged: true });
    assert.deepEqual(
      capabilitiesIn(status, "CapEff"),
      capabilitiesIn(await readFile("/proc/self/status", "utf8"), "CapBnd"),
    );
    assert.equal(statusField(status, "Seccomp"), "0");
    const script = `test -c /dev/kmsg && test -w /proc/sys/kernel/domainname && mount -t tmpfs none /mnt && touch /mnt/x
      grep -c " /proc/[^ ]* " /proc/mounts; dd if=/dev/kmsg of=/dev/null bs=8k count=0 2>/dev/null && echo opened`;
    assert.equal(await outputOf(at.client, `mkdir /mnt; ${script}`, { privileged: true }), "0\nopened");
  });

  test("what of /proc and /sys is nobody's business is masked, and the rest of it read-only", async () => {
    const masked = await outputOf(
      at.client,
      `wc -c </proc/interrupts; wc -c </proc/timer_list; ls /sys/firmware | wc -l; ls /proc/acpi | wc -l; wc -c </proc/keys`,
    );
    assert.deepEqual([...new Set(masked.split("\n"))], ["0"]);
    for (const path of ["/proc/sys/kernel/domainname", "/proc/irq/default_smp_affinity"]) {
      const { exitCode, stderr } = await run(`echo 1 > ${path}`);
      assert.notEqual(exitCode, 0, path);
      assert.match(stderr, /read-only file system/i, path);
    }
    assert.match((await run("mkdir /sys/fs/cgroup/memory/x")).stderr, /read-only file system/i);
  });

  test("systempaths=unconfined takes masks away", async () => {
    const init = { securityOptions: ["systempaths=unconfined"] };
    assert.notEqual(await outputOf(at.client, "wc -c </proc/interrupts", init), "0");
  });

  test("a read-only root refuses writing, but not in /dev/shm, a tmpfs or a volume", async () => {
    const { exitCode, stderr } = await run("touch /file", { readOnlyRoot: true });
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /read-only file system/i);
    const mounts = [
      { type: "tmpfs", target: "/scratch" },
      { type: "volume", target: "/data" },
    ];
    const script = "touch /scratch/a /data/a /dev/shm/a /dev/null && echo fine";
    assert.equal(await outputOf(at.client, script, { readOnlyRoot: true, mounts }), "fine");
    assert.match((await run("echo x >> /etc/hosts", { readOnlyRoot: true })).stderr, /read-only file system/i);
  });

  test("a tmpfs has the size, mode and options that were asked for", async () => {
    const mounts = [
      { type: "tmpfs", target: "/sized", tmpfsSizeBytes: 1n << 20n, tmpfsMode: 0o700 },
      { type: "tmpfs", target: "/loose", tmpfsOptions: ["exec", "size=2m", "uid=33"] },
    ];
    const script =
      "grep -E ' /(sized|loose) ' /proc/mounts; stat -c '%a %u' /sized /loose; df -k /sized /loose | awk 'NR > 1 { print $2 }'";
    const [sized = "", loose = "", ...rest] = (await outputOf(at.client, script, { mounts })).split("\n");
    for (const option of ["noexec", "nosuid", "nodev", "size=1024k", "mode=700"])
      assert.match(sized, new RegExp(option));
    assert.doesNotMatch(loose, /noexec/);
    assert.deepEqual(rest, ["700 0", "1777 33", "1024", "2048"]);
  });

  test("a device of the host is there with the rights that were asked for, and no other can be opened", async () => {
    const kmsg = (permissions: string) => ({
      devices: [{ host: "/dev/kmsg", container: "/dev/messages", permissions }],
    });
    const open = "stat -c %t:%T /dev/messages; (: > /dev/messages) 2>/dev/null && echo opened || echo denied";
    assert.equal(await outputOf(at.client, open, kmsg("w")), "1:b\nopened");
    assert.equal(await outputOf(at.client, open, kmsg("r")), "1:b\ndenied");
  });

  test("a device that the container makes can be opened with a rule only", async () => {
    const script = "mknod /tmp/kmsg c 1 11 && (: > /tmp/kmsg) 2>/dev/null && echo opened || echo denied";
    assert.equal(await outputOf(at.client, script), "denied");
    assert.equal(await outputOf(at.client, script, { deviceCgroupRules: ["c 1:11 rwm"] }), "opened");
  });

  test("a device that is missing on the host is refused by name", async () => {
    const devices = [{ host: "/dev/berth-none", container: "/dev/x", permissions: "rwm" }];
    await assert.rejects(run("true", { devices }), /\/dev\/berth-none/);
  });

  test("sysctls of the container's namespaces are set, and others refused", async () => {
    const sysctls = { "net.ipv4.ip_forward": "1", "kernel.shmmax": "12345678", "fs.mqueue.msg_max": "7" };
    const script = "cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax /proc/sys/fs/mqueue/msg_max";
    assert.equal(await outputOf(at.client, script, { sysctls }), "1\n12345678\n7");
    for (const [config, message] of [
      [{ sysctls: { "kernel.panic": "1" } }, /kernel\.panic.*not in a separate kernel namespace/],
      [{ sysctls: { "net.ipv4.ip_forward": "1" }, networkMode: "host" }, /not allowed in the host's network namespace/],
    ] as const) {
      await assert.rejects(at.client.containers.create({ image: "busybox", ...config }), { message });
    }
  });

  test("a user's low ports and ping need no privilege in the container's own network", async () => {
    const script = "(timeout -s KILL 0.2 nc -l -p 80; [ $? = 137 ] && echo bound) 2>/dev/null";
    assert.equal(await outputOf(at.client, script, { user: "1000" }), "bound");
  });
});
