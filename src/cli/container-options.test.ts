// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, test } from "node:test";
import { containerFlags } from "./container-flags.ts";
import { attachedStreams, toContainerOptions } from "./container-options.ts";
import { parseArguments } from "./flags.ts";

const directory = mkdtempSync(path.join(tmpdir(), "berth-options-"));
after(() => rmSync(directory, { recursive: true }));

function file(name: string, content: string): string {
  const location = path.join(directory, name);
  writeFileSync(location, content);
  return location;
}

const environment = { HERE: "from the client" };

function convert(...argv: readonly string[]) {
  const { flags, args } = parseArguments(containerFlags, argv, { interspersed: false });
  return toContainerOptions(flags, args, environment);
}

const bare = convert("image");
const resources = (fields: object) => ({ resources: fields });
const bind = { type: "bind", source: "/a", target: "/b", bindRecursive: "enabled" };

/** The words before the image, and what they change of the bare request. */
const table: readonly (readonly [argv: readonly string[], changes: object])[] = [
  [["-it"], { terminal: true, openStdin: true, stdinOnce: true }],
  [["-i", "-a", "stdout"], { openStdin: true, stdinOnce: false }],
  [["-e", "A=1", "-e", "HERE", "-e", "GONE"], { environment: ["A=1", "HERE=from the client", "GONE"] }],
  [["--env-file", file("env", "# x\nF=1\nHERE\n"), "-e", "F=2"], { environment: ["F=1", "HERE=from the client", "F=2"] }],
  [["--label-file", file("labels", "a=1\nb\n"), "-l", "a=2"], { labels: { a: "2", b: "" } }],
  [["--entrypoint", "/x"], { entrypoint: { values: ["/x"] } }],
  [["--entrypoint", ""], { entrypoint: { values: [] } }],
  [["-w", "/w", "-u", "1:2", "--group-add", "x", "--init"], { workingDirectory: "/w", user: "1:2", groupAdd: ["x"], init: true }],
  [["-h", "host", "--domainname", "d"], { hostname: "host", domainname: "d" }],
  [["--stop-signal", "INT", "--stop-timeout", "3"], { stopSignal: "INT", stopTimeoutSeconds: 3 }],
  [["--rm"], { autoRemove: true }],
  [["--restart", "on-failure:3"], { restartPolicy: { name: "on-failure", maximumRetries: 3 } }],
  [["--restart=always"], { restartPolicy: { name: "always", maximumRetries: 0 } }],
  [["--log-opt", "max-size=1m", "--log-opt", "max-file=3"], { logRotation: { maximumSize: 1_048_576n, maximumFiles: 3 } }],
  [["--annotation", "a=b", "--runtime", "crun", "--platform", "linux/arm64"], { annotations: { a: "b" }, runtimeHandler: "crun", platform: "linux/arm64" }],
  [["--network", "none"], { networkMode: "none" }],
  [["--net", "container:x"], { networkMode: "container:x" }],
  [["--network=default"], { networkMode: "" }],
  [["-p", "127.0.0.1:8080:80"], { ports: [{ hostIp: "127.0.0.1", hostPort: 8080, containerPort: 80, protocol: "tcp" }] }],
  [["-p53:53/udp"], { ports: [{ hostIp: "", hostPort: 53, containerPort: 53, protocol: "udp" }] }],
  [["-P", "--expose", "80-81"], { publishAll: true, exposedPorts: ["80/tcp", "81/tcp"] }],
  [["--add-host", "a:1.2.3.4", "--add-host", "b=::1", "--add-host", "c:host-gateway"], { extraHosts: ["a:1.2.3.4", "b:::1", "c:host-gateway"] }],
  [["--dns", "1.1.1.1", "--dns-search", "s", "--dns-opt", "o"], { dns: ["1.1.1.1"], dnsSearch: ["s"], dnsOptions: ["o"] }],
  [["-v", "/a:/b:ro"], { mounts: [{ ...bind, readOnly: true, createSource: true }] }],
  [["--mount", "type=bind,src=/a,dst=/b"], { mounts: [{ ...bind, readOnly: false, createSource: false }] }],
  [["-v", "name:/b"], { mounts: [{ type: "volume", source: "name", target: "/b", readOnly: false, noCopy: false, volumeLabels: {} }] }],
  [["-v", "/b"], { mounts: [{ type: "volume", source: "", target: "/b", readOnly: false, noCopy: false, volumeLabels: {} }] }],
  [["--tmpfs", "/t:size=1m"], { mounts: [{ type: "tmpfs", target: "/t", readOnly: false, tmpfsOptions: ["size=1m"] }] }],
  [["--mount", "type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=700"], { mounts: [{ type: "tmpfs", target: "/t", readOnly: false, tmpfsOptions: [], tmpfsSizeBytes: 1_048_576n, tmpfsMode: 0o700 }] }],
  [["--read-only", "--shm-size", "1g"], { readOnlyRoot: true, shmSizeBytes: 1_073_741_824n }],
  [["--device", "/dev/a:/dev/b:r", "--device-cgroup-rule", "c 1:3 r"], { devices: [{ host: "/dev/a", container: "/dev/b", permissions: "r" }], deviceCgroupRules: ["c 1:3 r"] }],
  [["--privileged", "--cap-add", "A,B", "--cap-drop=ALL"], { privileged: true, capabilitiesAdd: ["A", "B"], capabilitiesDrop: ["ALL"] }],
  [["--security-opt", "no-new-privileges", "--security-opt", "seccomp=unconfined"], { securityOptions: ["no-new-privileges", "seccomp=unconfined"] }],
  [["--security-opt", `seccomp=${file("profile.json", '{\n "defaultAction": "SCMP_ACT_ALLOW" }')}`], { securityOptions: ['seccomp={"defaultAction":"SCMP_ACT_ALLOW"}'] }],
  [["--ipc", "host", "--pid=host", "--uts=host", "--userns=host", "--cgroupns=host"], { ipcMode: "host", pidMode: "host", utsMode: "host", usernsMode: "host", cgroupnsMode: "host" }],
  [["--cgroup-parent", "/x", "--sysctl", "net.core.somaxconn=9", "--oom-score-adj", "-5"], { cgroupParent: "/x", sysctls: { "net.core.somaxconn": "9" }, oomScoreAdj: -5 }],
  [["-m", "64m", "--memory-swap", "-1", "--memory-reservation=1k", "--memory-swappiness", "7"], resources({ memoryBytes: 67_108_864n, memorySwapBytes: -1n, memoryReservationBytes: 1024n, memorySwappiness: 7 })],
  [["--cpus", "1.5", "-c", "512", "--cpu-period", "1000", "--cpu-quota", "-1"], resources({ nanoCpus: 1_500_000_000n, cpuShares: 512n, cpuPeriod: 1000n, cpuQuota: -1n })],
  [["--cpuset-cpus", "0-1", "--cpuset-mems", "0", "--pids-limit", "-1", "--blkio-weight", "10", "--oom-kill-disable"], resources({ cpusetCpus: "0-1", cpusetMems: "0", pidsLimit: -1n, blkioWeight: 10, oomKillDisable: true })],
  [["--ulimit", "nofile=1:2"], { ulimits: [{ name: "nofile", soft: 1n, hard: 2n }] }],
]; // biome-ignore format: a table

for (const [argv, changes] of table) {
  test(`run ${argv.join(" ")}`, () => {
    assert.deepEqual(convert(...argv, "image"), { ...bare, ...changes });
  });
}

test("the image ends the flags", () => {
  const { image, command, autoRemove } = convert("--rm", "image", "--rm", "-x", "--", "y");
  assert.deepEqual(
    { image, command, autoRemove },
    { image: "image", command: ["--rm", "-x", "--", "y"], autoRemove: true },
  );
});

test("streams that are attached to", () => {
  const streams = (...argv: string[]) =>
    attachedStreams(parseArguments(containerFlags, argv, { interspersed: false }).flags);
  assert.deepEqual(streams(), { stdin: false, stdout: true, stderr: true });
  assert.deepEqual(streams("-i"), { stdin: true, stdout: true, stderr: true });
  assert.deepEqual(streams("-a", "STDERR", "-astdin"), { stdin: true, stdout: false, stderr: true });
});

test("what makes no sense is refused before the daemon is asked", () => {
  for (const [argv, message] of [
    [["--rm", "--restart=always"], "conflicting options: cannot specify both --restart and --rm"],
    [["--restart", "always:3"], /maximum retry count can only be used with/],
    [["--restart", "on-failure:x"], /must be an integer/],
    [["--log-opt", "foo=1"], "unknown log opt 'foo': use max-size or max-file"],
    [["--log-driver", "syslog"], /logging driver "syslog" is not there/],
    [["--add-host", "x"], 'bad format for add-host: "x"'],
    [["--sysctl", "vm.x=1"], "sysctl 'vm.x=1' is not allowed"],
    [["--env-file", "/nonexistent"], "open /nonexistent: no such file or directory"],
    [["--security-opt", "seccomp=/nonexistent"], "opening seccomp profile /nonexistent: no such file or directory"],
    [["-v", "/a:/b", "-v", "/c:/b"], "Duplicate mount point: /b"],
    [["-v", "a:b:c:d"], /invalid argument "a:b:c:d" for "-v, --volume" flag: invalid volume specification/],
    [["-p", "x"], 'invalid argument "x" for "-p, --publish" flag: invalid containerPort: x'],
    [["-a", "x"], 'invalid argument "x" for "-a, --attach" flag: valid streams are STDIN, STDOUT and STDERR'],
  ] as const) {
    assert.throws(() => convert(...argv, "image"), { message }, argv.join(" "));
  }
});
