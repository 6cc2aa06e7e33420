// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { EngineError } from "../base/errors.ts";
import { defaultConfig, defaultConfigText } from "./config.ts";
import { loadConfig, parseConfig } from "./config-file.ts";

const defaults = defaultConfig({ root: undefined, state: undefined, socket: undefined });

function parse(text: string) {
  return parseConfig(text, {}, "berth.toml");
}

test("the printed defaults read back as the defaults", () => {
  assert.deepEqual(parse(defaultConfigText), defaults);
  assert.deepEqual(parse(""), defaults);
});

test("the commented lines of the printed defaults are what is used without them", () => {
  const text = defaultConfigText.replace(/^# (socket|config_directory) = /gm, "$1 = ");
  assert.notEqual(text, defaultConfigText);
  assert.deepEqual(parse(text), defaults);
});

test("every key is read", () => {
  const config = parse(`
version = 1
root = "/a"
state = "/b"
socket = "/c/api.sock"
[log]
level = "warn"
[registry]
config_path = ["/d"]
insecure = ["registry.example:5000"]
pull_progress_timeout = "90s"
[images]
pinned = ["registry.k8s.io/pause:*"]
[network]
default = "lan"
bridge = "br9"
subnet = "10.9.0.0/24"
config_directory = "/e"
plugin_directories = ["/f", "/g"]
[containers]
log_max_size = "1.5k"
log_max_files = 7
cgroup_parent = "/pods"
[cri]
socket = "/j/cri.sock"
network_config_directory = "/k"
stream_address = "::1"
stream_port = 10250
stream_idle_timeout = "1h"
stream_tls_certificate = "/l/crt"
stream_tls_key = "/l/key"
[cdi]
directories = ["/m"]
[nri]
enable = false
socket = "/n/nri.sock"
plugin_directory = "/o"
config_directory = "/p"
registration_timeout = "1500ms"
request_timeout = "0.5s"
[runtime]
default = "mine"
[runtime.handlers.mine]
driver = "shim"
shim = "/h/containerd-shim-kata-v2"
binary = "/i/kata"
systemd_cgroup = true
sandboxer = "task"
sandbox_image = "pause"
`);
  assert.deepEqual(config, {
    root: "/a",
    state: "/b",
    socket: "/c/api.sock",
    log: { level: "warn" },
    registry: { configPaths: ["/d"], insecure: ["registry.example:5000"], progressTimeoutMs: 90_000 },
    images: { pinned: ["registry.k8s.io/pause:*"] },
    network: {
      default: "lan",
      bridge: "br9",
      subnet: "10.9.0.0/24",
      configDirectory: "/e",
      pluginDirectories: ["/f", "/g"],
    },
    containers: { logRotation: { maximumSize: 1536, maximumFiles: 7 }, cgroupParent: "/pods" },
    cri: {
      socket: "/j/cri.sock",
      networkConfigDirectory: "/k",
      streaming: {
        address: "::1",
        port: 10_250,
        tls: { certificate: "/l/crt", key: "/l/key" },
        idleTimeoutMs: 3_600_000,
      },
    },
    cdi: { directories: ["/m"] },
    nri: {
      enable: false,
      socket: "/n/nri.sock",
      pluginDirectory: "/o",
      configDirectory: "/p",
      registrationTimeoutMs: 1500,
      requestTimeoutMs: 500,
    },
    runtime: {
      default: "mine",
      handlers: [
        {
          name: "mine",
          driver: "shim",
          shim: "/h/containerd-shim-kata-v2",
          binary: "/i/kata",
          systemdCgroup: true,
          sandboxer: "task",
          sandboxImage: "pause",
        },
      ],
    },
  });
});

test("a handler needs only its name", () => {
  assert.deepEqual(parse("[runtime.handlers.plain]").runtime.handlers, [
    { name: "plain", driver: "shim", shim: "containerd-shim-runc-v2", systemdCgroup: false, sandboxer: "namespaces" },
  ]);
});

test("a certificate without its key is refused", () => {
  assert.throws(
    () => parse('[cri]\nstream_tls_key = "/k"'),
    /stream_tls_certificate and cri.stream_tls_key must be given/,
  );
  assert.throws(() => parse("[cri]\nstream_port = 70000"), /cri.stream_port must be a port/);
  for (const text of ["0s", "5", "-1s", "soon"]) {
    assert.throws(() => parse(`[nri]\nrequest_timeout = "${text}"`), /nri.request_timeout must be a time above 0/);
  }
});

test("the socket and the networks follow the directories", () => {
  const { socket, network } = parse('root = "/a"\nstate = "/b"');
  assert.equal(socket, "/b/berth.sock");
  assert.equal(network.configDirectory, "/a/networks");
});

test("the command line wins over the file, also over the printed defaults", () => {
  const config = parseConfig(defaultConfigText, { root: "/x", state: "/y" }, "berth.toml");
  assert.equal(config.root, "/x");
  assert.equal(config.state, "/y");
  assert.equal(config.socket, "/y/berth.sock");
  assert.equal(config.network.configDirectory, "/x/networks");
  assert.equal(parseConfig('socket = "/f"', { socket: "/z.sock" }, "berth.toml").socket, "/z.sock");
});

const refusals: readonly (readonly [string, string])[] = [
  ["version = 2", "version 2 is not known: this program reads version 1"],
  ['version = "1"', "version must be a whole number above 0"],
  ["root = 1", "root must be a string"],
  ['root = "relative"', "root must be an absolute path"],
  ['state = ""', "state must be an absolute path"],
  ["socket = true", "socket must be a string"],
  ["log = 1", "log must be a table"],
  ["log = 2026-01-01", "log must be a table"],
  ["log = []", "log must be a table"],
  ['[log]\nlevel = "loud"', "log.level must be one of debug, info, warn, error"],
  ['[registry]\nconfig_path = "/etc"', "registry.config_path must be a list of strings"],
  ["[registry]\ninsecure = [1]", "registry.insecure must be a list of strings"],
  ["[network]\ndefault = 1", "network.default must be a string"],
  ["[network]\nbridge = 1", "network.bridge must be a string"],
  ["[network]\nsubnet = 1", "network.subnet must be a string"],
  ['[network]\nconfig_directory = "here"', "network.config_directory must be an absolute path"],
  ['[network]\nplugin_directories = "/opt"', "network.plugin_directories must be a list of strings"],
  ["[containers]\nlog_max_size = 10", "containers.log_max_size must be a string"],
  ['[containers]\nlog_max_size = "much"', 'containers.log_max_size must be a size such as "10m"'],
  ["[containers]\nlog_max_files = 0", "containers.log_max_files must be a whole number above 0"],
  ["[containers]\nlog_max_files = 1.5", "containers.log_max_files must be a whole number above 0"],
  ['[containers]\ncgroup_parent = "berth"', "containers.cgroup_parent must be an absolute path"],
  ["[runtime]\ndefault = []", "runtime.default must be a string"],
  ["[runtime]\nhandlers = 1", "runtime.handlers must be a table"],
  ['[runtime.handlers]\nrunc = "runc"', "runtime.handlers.runc must be a table"],
  ["[runtime.handlers.runc]\ndriver = 1", "runtime.handlers.runc.driver must be a string"],
  ["[runtime.handlers.runc]\nshim = 1", "runtime.handlers.runc.shim must be a string"],
  ["[runtime.handlers.runc]\nbinary = 1", "runtime.handlers.runc.binary must be a string"],
  ["[runtime.handlers.runc]\nsystemd_cgroup = 1", "runtime.handlers.runc.systemd_cgroup must be true or false"],
  ['rooot = "/a"', "unknown key rooot"],
  ['[logs]\nlevel = "info"', "unknown key logs"],
  ["[log]\ncolour = true", "unknown key log.colour"],
  ["[registry]\nmirror = 1", "unknown key registry.mirror"],
  ["[network]\nname = 1", "unknown key network.name"],
  ["[containers]\nlimit = 1", "unknown key containers.limit"],
  ["[runtime]\nshim = 1", "unknown key runtime.shim"],
  ["[runtime.handlers.runc]\nbin = 1", "unknown key runtime.handlers.runc.bin"],
];

for (const [text, message] of refusals) {
  test(`refuses ${JSON.stringify(text)}`, () => {
    assert.throws(
      () => parse(text),
      (error) => {
        assert(error instanceof EngineError);
        assert.equal(error.code, "invalid-argument");
        assert.equal(error.message, `berth.toml: ${message}`);
        return true;
      },
    );
  });
}

test("says line and column of what is no TOML", () => {
  assert.throws(() => parse('root = "/a"\nstate = '), { code: "invalid-argument", message: /^berth\.toml:2:\d+: \S/ });
  assert.throws(() => parse("[log]\n[log]"), { code: "invalid-argument", message: /^berth\.toml:2:\d+: \S/ });
});

test("a file that is named must be there, the usual one need not", async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), "berth-config-"));
  t.after(async () => await rm(directory, { recursive: true }));
  const file = path.join(directory, "berth.toml");
  await assert.rejects(loadConfig(file, {}), {
    code: "not-found",
    message: `no such config: ${file} (berth config default prints one to start from)`,
  });
  assert.deepEqual(await loadConfig(undefined, {}, file), defaults);
  await writeFile(file, 'state = "/elsewhere"\n');
  assert.equal((await loadConfig(undefined, {}, file)).state, "/elsewhere");
  assert.equal((await loadConfig(file, {})).state, "/elsewhere");
  await assert.rejects(loadConfig(directory, {}), { message: new RegExp(`^read ${directory}: EISDIR`) });
});
