// SPDX-License-Identifier: Apache-2.0
// Runs built specifications with runc itself and looks at what the kernel says from inside.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { capabilityNames } from "../../../base/capabilities.ts";
import type { RuntimeProcess } from "../../../oci/runtime/spec.ts";
import type { HostFacts, RlimitFact } from "../../host/host-facts.ts";
import type { ContainerConfig } from "../container-config.ts";
import { hostFacts, specInput } from "../testing/spec-inputs.ts";
import { resolveUser } from "../user.ts";
import { buildSpec } from "./build-spec.ts";
import { buildExecProcess } from "./exec-process.ts";
import type { SpecInput } from "./spec-input.ts";

const run = promisify(execFile);

interface Outcome {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

const passwd = "root:x:0:0::/root:/bin/sh\nweb:x:33:34::/var/www:/bin/sh\n";
const group = "root:x:0:\nweb:x:34:\naudio:x:29:web\n";

/** The numbers of the capability mask, as names. */
function namesOf(mask: string): readonly string[] {
  const bits = BigInt(`0x${mask}`);
  return capabilityNames.filter((_name, index) => (bits & (1n << BigInt(index))) !== 0n);
}

async function thisHost(): Promise<HostFacts> {
  const status = await readFile("/proc/self/status", "utf8");
  const capabilities = namesOf(/^CapBnd:\s*(\w+)$/m.exec(status)?.[1] ?? "0");
  const release = (await readFile("/proc/sys/kernel/osrelease", "utf8")).trim();
  const mounts = await readFile("/proc/self/mounts", "utf8");
  const legacy = /^\S+ \S+ cgroup /m.test(mounts);
  return hostFacts({
    architecture: process.arch === "x64" ? "amd64" : process.arch,
    kernelVersion: release,
    capabilities,
    raiseRlimits: capabilities.includes("CAP_SYS_RESOURCE"),
    rlimits: { RLIMIT_NOFILE: await openFilesLimit() },
    cgroup: {
      version: legacy ? 1 : 2,
      hybrid: legacy,
      controllers: ["cpu", "cpuset", "memory", "pids"],
      ownPath: "/",
    },
  });
}

async function openFilesLimit(): Promise<RlimitFact> {
  const limits = await readFile("/proc/self/limits", "utf8");
  const [, soft, hard] = /^Max open files\s+(\S+)\s+(\S+)/m.exec(limits) ?? [];
  const toLimit = (text: string | undefined) => (text === "unlimited" ? text : Number(text));
  return { soft: toLimit(soft), hard: toLimit(hard) };
}

interface Bundle {
  readonly id: string;
  readonly host: HostFacts;
  run(config: Partial<ContainerConfig>, overrides?: Partial<SpecInput>): Promise<Outcome>;
  /** Starts it in the background and runs another process in it. */
  exec(config: Partial<ContainerConfig>, build: (input: SpecInput) => RuntimeProcess): Promise<Outcome>;
  readonly directory: string;
}

async function bundle(t: TestContext): Promise<Bundle> {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-spec-"));
  const id = `berth-spec-${randomBytes(6).toString("hex")}`;
  const stateRoot = path.join(directory, "state");
  const runc = (...args: readonly string[]) => outcome("runc", ["--root", stateRoot, ...args], directory);
  t.after(async () => {
    await runc("delete", "--force", id);
    await rm(directory, { recursive: true });
  });
  await makeRootfs(path.join(directory, "rootfs"));
  const host = await thisHost();
  const write = async (config: Partial<ContainerConfig>, overrides: Partial<SpecInput> = {}) => {
    // Straight under the root: a parent of its own would stay behind.
    const input = specInput(
      { cgroupParent: "/", ...config },
      {
        id,
        host,
        hostname: "inside",
        user: resolveUser({ user: config.user ?? "", groupAdd: config.groupAdd ?? [], passwd, group }),
        rootfsPath: path.join(directory, "rootfs"),
        namespaces: { network: "new", ipc: "new", uts: "new", pid: "new" },
        features: { ociVersion: "1.0.2", seccomp: true },
        ...overrides,
      },
    );
    await writeFile(path.join(directory, "config.json"), JSON.stringify(buildSpec(input)));
    return input;
  };
  return {
    id,
    host,
    directory,
    run: async (config, overrides) => {
      await write(config, overrides);
      return await runc("run", id);
    },
    exec: async (config, build) => {
      const input = await write({ command: ["sleep", "60"], ...config });
      // The container's output must not be our pipe: it would keep it open.
      const started = await outcome(
        "sh",
        ["-c", `exec runc --root "$0" run -d "$1" </dev/null >/dev/null 2>&1`, stateRoot, id],
        directory,
      );
      assert.equal(started.exitCode, 0, started.stderr);
      const file = path.join(directory, "process.json");
      await writeFile(file, JSON.stringify(build(input)));
      return await runc("exec", "--process", file, id);
    },
  };
}

async function outcome(file: string, args: readonly string[], cwd: string): Promise<Outcome> {
  try {
    return { ...(await run(file, args, { cwd })), exitCode: 0 };
  } catch (error) {
    const { stdout = "", stderr = "", code } = error as Partial<Outcome> & { code?: unknown };
    if (typeof code !== "number") throw error;
    return { stdout, stderr, exitCode: code };
  }
}

async function makeRootfs(root: string): Promise<void> {
  for (const name of ["bin", "etc", "root", "tmp", "proc", "dev", "sys", "var/www"]) {
    await mkdir(path.join(root, name), { recursive: true });
  }
  await copyFile("/bin/busybox", path.join(root, "bin/busybox"));
  await chmod(path.join(root, "bin/busybox"), 0o755);
  const { stdout } = await run("/bin/busybox", ["--list"]);
  for (const name of stdout.trim().split("\n")) {
    if (name !== "busybox") await symlink("busybox", path.join(root, "bin", name));
  }
}

const shell = (script: string): Partial<ContainerConfig> => ({ command: ["sh", "-c", script] });
const field = (status: string, name: string) => new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1]?.trim() ?? "";

test("by default: filtered system calls, fourteen capabilities, nothing inheritable, a hostname of its own", async (t) => {
  const box = await bundle(t);
  const { stdout, stderr, exitCode } = await box.run(shell("cat /proc/self/status; hostname; pwd; env"));
  assert.equal(exitCode, 0, stderr);
  assert.equal(field(stdout, "Seccomp"), "2");
  assert.equal(namesOf(field(stdout, "CapEff")).length, 14);
  assert.equal(field(stdout, "CapBnd"), field(stdout, "CapEff"));
  assert.equal(BigInt(`0x${field(stdout, "CapInh")}`), 0n);
  assert.equal(BigInt(`0x${field(stdout, "CapAmb")}`), 0n);
  assert.match(stdout, /^inside\n\/\n/m);
  assert.match(stdout, /^HOME=\/root$/m);
  assert.match(stdout, /^PATH=\/usr\/local\/sbin:/m);
});

const forbidden: readonly [what: string, script: string][] = [
  ["make a user namespace", "unshare -U true"],
  ["make a mount namespace", "unshare -m true"],
  ["mount", "mount -t tmpfs none /tmp"],
  ["write a kernel setting", "echo x > /proc/sys/kernel/core_pattern"],
  ["trigger sysrq", "echo h > /proc/sysrq-trigger"],
  ["write sysfs", "echo 1 > /sys/kernel/uevent_helper"],
  ["write the cgroup", "cd /sys/fs/cgroup; [ ! -d memory ] || cd memory; mkdir x"],
  ["read a disk", "mknod /tmp/disk b 8 0; head -c 1 /tmp/disk"],
  ["read kernel memory", "head -c 1 /proc/kcore | grep ."],
  ["see the host's keys", "grep . /proc/keys"],
];
test("by default a container cannot reach out", async (t) => {
  const box = await bundle(t);
  const script = forbidden.map(([, line], index) => `( ${line} ) >/dev/null 2>&1 && echo passed ${index}`).join("\n");
  const { stdout } = await box.run(shell(`${script}\ntrue`));
  const passed = [...stdout.matchAll(/passed (\d+)/g)].map((match) => forbidden[Number(match[1])]?.[0]);
  assert.deepEqual(passed, []);
});

test("by default masked paths are empty and only the usual descriptors are open", async (t) => {
  const box = await bundle(t);
  const { stdout } = await box.run(
    shell(
      "cat /proc/interrupts /proc/timer_list /proc/keys; ls -A /proc/acpi /sys/firmware 2>/dev/null | grep -v :; ls /proc/1/fd; true",
    ),
  );
  assert.equal(stdout.trim().replaceAll(/\s+/g, " "), "0 1 2");
});

test("privileged has what the daemon has, no filter and writable kernel file systems", async (t) => {
  const box = await bundle(t);
  const { stdout, stderr, exitCode } = await box.run({
    ...shell("cat /proc/self/status; mount -t tmpfs none /tmp && echo mounted; unshare -m true && echo unshared"),
    privileged: true,
  });
  assert.equal(exitCode, 0, stderr);
  assert.equal(field(stdout, "Seccomp"), "0");
  assert.deepEqual(namesOf(field(stdout, "CapEff")), box.host.capabilities);
  assert.match(stdout, /^mounted$/m);
  assert.match(stdout, /^unshared$/m);
});

test("capabilities are added and dropped", async (t) => {
  const box = await bundle(t);
  const { stdout } = await box.run({
    ...shell("cat /proc/self/status"),
    capabilitiesDrop: ["ALL"],
    capabilitiesAdd: ["NET_ADMIN", "kill"],
  });
  assert.deepEqual(namesOf(field(stdout, "CapEff")), ["CAP_KILL", "CAP_NET_ADMIN"]);
});

test("SYS_ADMIN unlocks mount in the filter", async (t) => {
  const box = await bundle(t);
  const { stdout } = await box.run({
    ...shell("mount -t tmpfs none /tmp && echo mounted; grep Seccomp: /proc/self/status"),
    capabilitiesAdd: ["SYS_ADMIN"],
  });
  assert.match(stdout, /mounted/);
  assert.match(stdout, /Seccomp:\s*2/);
});

test("a user of the image's files has its groups and home and no effective capability", async (t) => {
  const box = await bundle(t);
  const { stdout, stderr } = await box.run({
    ...shell("id -u; id -G; echo $HOME; cat /proc/self/status"),
    user: "web",
    groupAdd: ["77"],
  });
  assert.equal(stdout.split("\n").slice(0, 3).join("|"), "33|34 29 77|/var/www", stderr);
  assert.equal(BigInt(`0x${field(stdout, "CapEff")}`), 0n);
  assert.equal(namesOf(field(stdout, "CapBnd")).length, 14);
});

test("no-new-privileges reaches the kernel", async (t) => {
  const box = await bundle(t);
  const { stdout } = await box.run({ ...shell("cat /proc/self/status"), securityOptions: ["no-new-privileges"] });
  assert.equal(field(stdout, "NoNewPrivs"), "1");
});

test("a profile of one's own replaces the default", async (t) => {
  const box = await bundle(t);
  const profile = JSON.stringify({
    defaultAction: "SCMP_ACT_ALLOW",
    archMap: [{ architecture: "SCMP_ARCH_X86_64", subArchitectures: [] }, { architecture: "SCMP_ARCH_AARCH64" }],
    syscalls: [{ names: ["mkdir", "mkdirat"], action: "SCMP_ACT_ERRNO", errnoRet: 28 }],
  });
  const { stdout } = await box.run({
    ...shell("mkdir /tmp/x 2>&1; unshare -U true && echo unshared"),
    securityOptions: [`seccomp=${profile}`],
  });
  assert.match(stdout, /No space left on device/);
  assert.match(stdout, /unshared/);
});

test("a read-only root can be written only where a tmpfs or a volume is", async (t) => {
  const box = await bundle(t);
  const volume = path.join(box.directory, "volume");
  await mkdir(volume);
  const tmpfs = { type: "tmpfs", target: "/tmp", readOnly: false, sizeBytes: 1 << 20, options: ["exec"] } as const;
  const named = { type: "volume", target: "/data", readOnly: false, noCopy: false, source: "v" } as const;
  const { stdout } = await box.run(
    {
      ...shell("touch /x 2>&1; touch /tmp/x /data/x /dev/shm/x && echo written; grep ' /tmp ' /proc/mounts"),
      readOnlyRoot: true,
    },
    {
      mounts: [
        { request: tmpfs, source: "" },
        { request: named, source: volume },
      ],
    },
  );
  assert.match(stdout, /\/x: Read-only file system/);
  assert.match(stdout, /written/);
  assert.match(stdout, /tmpfs \/tmp tmpfs rw,nosuid,nodev,relatime,size=1024k/);
  await readFile(path.join(volume, "x"));
});

test("binds are read-only where asked, and the network's files are the sandbox's", async (t) => {
  const box = await bundle(t);
  const source = path.join(box.directory, "source");
  await mkdir(source);
  const files = {
    hosts: path.join(source, "hosts"),
    resolvConf: path.join(source, "resolv"),
    hostname: path.join(source, "name"),
  };
  for (const file of Object.values(files)) await writeFile(file, `${path.basename(file)}\n`);
  const request = {
    type: "bind",
    target: "/mnt/a",
    source,
    readOnly: true,
    recursive: "enabled",
    createSource: false,
  } as const;
  const { stdout } = await box.run(shell("cat /etc/hosts /etc/resolv.conf /etc/hostname; touch /mnt/a/x 2>&1"), {
    mounts: [{ request, source }],
    networkFiles: files,
  });
  assert.match(stdout, /^hosts\nresolv\nname\n/);
  assert.match(stdout, /Read-only file system/);
});

test("limits reach the kernel", async (t) => {
  const box = await bundle(t);
  const v1 = box.host.cgroup.version === 1;
  const read = v1
    ? "cat memory/memory.limit_in_bytes pids/pids.max cpu/cpu.cfs_quota_us"
    : "cat memory.max pids.max cpu.max";
  const { stdout, stderr } = await box.run({
    ...shell(
      `cd /sys/fs/cgroup; ${read}; ulimit -n; ulimit -Hn; ulimit -c; cat /proc/self/oom_score_adj; df -k /dev/shm | tail -1`,
    ),
    resources: { memoryBytes: 32 * 1024 ** 2, pidsLimit: 50, nanoCpus: 5e8 },
    ulimits: [
      { name: "nofile", soft: 100, hard: 200 },
      { name: "core", soft: -1, hard: -1 },
    ],
    oomScoreAdj: 500,
    shmSizeBytes: 1 << 20,
    annotations: { note: "x" },
  });
  const words = stdout.trim().split(/\s+/);
  const quota = v1 ? ["50000"] : ["50000", "100000"];
  assert.deepEqual(
    words.slice(0, 7 + quota.length - 1),
    ["33554432", "50", ...quota, "100", "200", "unlimited", "500"],
    stderr,
  );
  assert.match(stdout, /shm\s+1024 /);
});

test("an exec is like the container but for what it asks", async (t) => {
  const box = await bundle(t);
  const { stdout, stderr } = await box.exec({ environment: ["A=1", "B=2"], workingDirectory: "/tmp" }, (input) =>
    buildExecProcess({
      container: buildSpec(input).process,
      config: input.config,
      image: input.image,
      host: input.host,
      hostname: input.hostname,
      command: ["sh", "-c", "id -u; pwd; echo $A $B $HOME; cat /proc/self/status"],
      user: resolveUser({ user: "web", groupAdd: [], passwd, group }),
      environment: ["B=3"],
      terminal: false,
      privileged: false,
    }),
  );
  assert.equal(stdout.split("\n").slice(0, 3).join("|"), "33|/tmp|1 3 /var/www", stderr);
  assert.equal(field(stdout, "Seccomp"), "2");
  assert.equal(BigInt(`0x${field(stdout, "CapInh")}`), 0n);
});

test("a privileged exec has every capability that the daemon has", async (t) => {
  const box = await bundle(t);
  const { stdout, stderr } = await box.exec({}, (input) =>
    buildExecProcess({
      container: buildSpec(input).process,
      config: input.config,
      image: input.image,
      host: input.host,
      hostname: input.hostname,
      command: ["cat", "/proc/self/status"],
      user: input.user,
      environment: [],
      terminal: false,
      privileged: true,
    }),
  );
  assert.deepEqual(namesOf(field(stdout, "CapEff")), box.host.capabilities, stderr);
});
