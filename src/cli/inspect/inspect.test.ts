// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { create } from "@bufbuild/protobuf";
import { TimestampSchema } from "@bufbuild/protobuf/wkt";
import {
  ContainerConfigSchema,
  ContainerPodSchema,
  ContainerSchema,
  ContainerStateSchema,
} from "../../gen/berth/engine/v1/container_pb.js";
import { ImageSchema } from "../../gen/berth/engine/v1/image_pb.js";
import { PodSchema } from "../../gen/berth/engine/v1/pod_pb.js";
import { EventSchema } from "../../gen/berth/engine/v1/system_pb.js";
import { formatterFor } from "../commands/events.ts";
import { imageRows } from "../commands/images.ts";
import { podFormat, podRow } from "../commands/pods.ts";
import { containerFormat, containerRow } from "../container-row.ts";
import { formatRows } from "../format/rows.ts";
import { containerJson } from "./container-json.ts";
import { imageJson } from "./image-json.ts";
import { podJson } from "./pod-json.ts";

const id = "5fcd7e1748c2971573fbf30f7e89c3a2a651508d66e48c38fe8d0129315e7f8d";
const imageId = `sha256:${"6".repeat(64)}`;
const time = (seconds: number) => create(TimestampSchema, { seconds: BigInt(seconds), nanos: 5_000_000 });

const running = create(ContainerSchema, {
  id,
  name: "web",
  createdAt: time(1_767_323_045),
  config: {
    image: "busybox",
    networkMode: "bridge",
    ports: [{ hostIp: "", hostPort: 8080, containerPort: 80, protocol: "tcp" }],
    mounts: [
      { type: "bind", source: "/a", target: "/b", readOnly: true },
      { type: "tmpfs", target: "/t", tmpfsSizeBytes: 10n, tmpfsMode: 0o700 },
    ],
    resources: { memoryBytes: 64n, pidsLimit: -1n },
    restartPolicy: { name: "on-failure", maximumRetries: 3 },
    capabilitiesAdd: ["NET_ADMIN"],
  },
  state: { status: "running", pid: 42, startedAt: time(1_767_323_046) },
  imageId,
  arguments: ["httpd", "-f"],
  command: ["httpd", "-f"],
  environment: ["A=1"],
  labels: { b: "2", a: "1" },
  hostname: "h",
  runtimeHandler: "runc",
  snapshotter: "overlay",
  mounts: [{ type: "bind", source: "/a", destination: "/b", readWrite: false, propagation: "rprivate" }],
  networks: [
    { network: "berth", macAddress: "02:00:00:00:00:01", addresses: ["10.1.0.2/16", "fd00::2/64"], gateways: ["10.1.0.1", "fd00::1"] },
  ],
  ports: [{ hostIp: "0.0.0.0", hostPort: 8080, containerPort: 80, protocol: "tcp" }],
  exposedPorts: ["80/tcp", "90/udp"],
}); // biome-ignore format: as inspect would show it

const exited = create(ContainerSchema, {
  ...running,
  state: create(ContainerStateSchema, {
    status: "exited",
    exitCode: 137,
    oomKilled: true,
    startedAt: time(1_767_323_046),
    finishedAt: time(1_767_323_047),
  }),
});

/** The value at a path of keys. */
function at(value: unknown, ...keys: readonly string[]): unknown {
  return keys.reduce((inner, key) => (inner as Record<string, unknown> | undefined)?.[key], value);
}

test("a container that runs, in docker inspect's shape", () => {
  const json = containerJson(running);
  assert.deepEqual(
    { Id: json["Id"], Name: json["Name"], Created: json["Created"], Path: json["Path"], Args: json["Args"] },
    { Id: id, Name: "/web", Created: "2026-01-02T03:04:05.005Z", Path: "httpd", Args: ["-f"] },
  );
  assert.deepEqual(json["State"], {
    Status: "running",
    Running: true,
    Paused: false,
    Restarting: false,
    OOMKilled: false,
    Dead: false,
    Pid: 42,
    ExitCode: 0,
    Error: "",
    StartedAt: "2026-01-02T03:04:06.005Z",
    FinishedAt: "0001-01-01T00:00:00Z",
  });
  assert.deepEqual(at(json, "NetworkSettings", "Ports"), {
    "80/tcp": [{ HostIp: "0.0.0.0", HostPort: "8080" }],
    "90/udp": null,
  });
  assert.equal(at(json, "NetworkSettings", "IPAddress"), "10.1.0.2");
  const endpoint = at(json, "NetworkSettings", "Networks", "bridge");
  assert.equal(at(endpoint, "IPAddress"), "10.1.0.2");
  assert.equal(at(endpoint, "IPPrefixLen"), 16);
  assert.equal(at(endpoint, "Gateway"), "10.1.0.1");
  assert.equal(at(endpoint, "GlobalIPv6Address"), "fd00::2");
  assert.equal(at(endpoint, "IPv6Gateway"), "fd00::1");
  assert.equal(at(endpoint, "MacAddress"), "02:00:00:00:00:01");
  assert.equal("SizeRw" in json, false);
});

test("what was asked of the host", () => {
  const host = at(containerJson(running), "HostConfig");
  assert.deepEqual(at(host, "Binds"), ["/a:/b:ro"]);
  assert.deepEqual(at(host, "Tmpfs"), { "/t": "size=10,mode=700" });
  assert.deepEqual(at(host, "PortBindings"), { "80/tcp": [{ HostIp: "", HostPort: "8080" }] });
  assert.deepEqual(at(host, "RestartPolicy"), { Name: "on-failure", MaximumRetryCount: 3 });
  assert.equal(at(host, "Memory"), 64);
  assert.equal(at(host, "PidsLimit"), -1);
  assert.deepEqual(at(host, "CapAdd"), ["NET_ADMIN"]);
  assert.equal(at(host, "CapDrop"), null);
});

test("a container that was killed", () => {
  const json = containerJson(exited);
  assert.equal(at(json, "State", "Running"), false);
  assert.equal(at(json, "State", "OOMKilled"), true);
  assert.equal(at(json, "State", "ExitCode"), 137);
  assert.equal(at(json, "State", "FinishedAt"), "2026-01-02T03:04:07.005Z");
  assert.deepEqual(at(json, "NetworkSettings", "Ports"), {});
});

test("sizes only when they were measured", () => {
  const json = containerJson(create(ContainerSchema, { ...running, sizeRwBytes: 5n, sizeRootBytes: 10n }));
  assert.deepEqual([json["SizeRw"], json["SizeRootFs"]], [5, 10]);
});

test("rows of ps", () => {
  const now = new Date("2026-01-02T03:04:36Z");
  const table = (format: string) =>
    formatRows(
      [running, exited].map((container) => containerRow(container, { full: false, now })),
      format,
      containerFormat({ quiet: false, size: false }),
    );
  assert.equal(
    table(""),
    `CONTAINER ID   IMAGE     COMMAND      CREATED          STATUS                        PORTS                          NAMES
5fcd7e1748c2   busybox   "httpd -f"   30 seconds ago   Up 29 seconds                 90/udp, 0.0.0.0:8080->80/tcp   web
5fcd7e1748c2   busybox   "httpd -f"   30 seconds ago   Exited (137) 28 seconds ago                                  web
`,
  );
  assert.equal(table('{{.Label "a"}} {{.Labels}} {{.Networks}} {{.State}}').split("\n")[0], "1 a=1,b=2 bridge running");
});

const image = create(ImageSchema, {
  id: imageId,
  repoTags: ["a:1", "localhost:5000/b/c:2"],
  repoDigests: ["a@sha256:0"],
  createdAt: time(1_767_323_045),
  sizeBytes: 1_234_567n,
  architecture: "amd64",
  os: "linux",
  diffIds: ["sha256:1"],
  defaults: { command: ["sh"], exposedPorts: ["80/tcp"], healthcheckJson: '{"Test":["CMD","x"]}' },
});

test("rows of images: one a name, or <none>", () => {
  const options = { full: false, digests: false, now: new Date("2026-01-02T04:04:05Z") };
  const names = (shown: typeof image) => imageRows(shown, options).map(({ Repository, Tag }) => [Repository, Tag]);
  assert.deepEqual(names(image), [
    ["a", "1"],
    ["localhost:5000/b/c", "2"],
  ]);
  assert.deepEqual(names(create(ImageSchema, { ...image, repoTags: [] })), [["a", "<none>"]]);
  assert.deepEqual(names(create(ImageSchema, { ...image, repoTags: [], repoDigests: [] })), [["<none>", "<none>"]]);
  assert.deepEqual(imageRows(image, options)[0], {
    Containers: "0",
    CreatedAt: imageRows(image, options)[0]?.["CreatedAt"],
    CreatedSince: "59 minutes ago",
    Digest: "<none>",
    ID: "666666666666",
    Repository: "a",
    Size: "1.23MB",
    Tag: "1",
  });
  assert.equal(imageRows(image, { ...options, digests: true })[0]?.["Digest"], "sha256:0");
});

test("an image in docker inspect's shape", () => {
  const json = imageJson(image);
  assert.equal(json["Id"], imageId);
  assert.deepEqual(json["RepoTags"], ["a:1", "localhost:5000/b/c:2"]);
  assert.equal(json["Created"], "2026-01-02T03:04:05.005Z");
  assert.deepEqual(json["RootFS"], { Type: "layers", Layers: ["sha256:1"] });
  assert.deepEqual(at(json, "Config", "Cmd"), ["sh"]);
  assert.equal(at(json, "Config", "Entrypoint"), null);
  assert.deepEqual(at(json, "Config", "ExposedPorts"), { "80/tcp": {} });
  assert.deepEqual(at(json, "Config", "Healthcheck"), { Test: ["CMD", "x"] });
});

test("events as text, as JSON and through a template", () => {
  const event = create(EventSchema, {
    type: "container",
    action: "die",
    id: "x",
    attributes: { name: "n", image: "i", exitCode: "3" },
    timeNano: 1_767_323_045_000_000_006n,
  });
  assert.match(
    formatterFor("")(event),
    /^2026-01-0\dT[\d:]{8}\.000000006\S+ container die x \(exitCode=3, image=i, name=n\)$/,
  );
  assert.deepEqual(JSON.parse(formatterFor("json")(event)), {
    status: "die",
    id: "x",
    from: "i",
    Type: "container",
    Action: "die",
    Actor: { ID: "x", Attributes: { name: "n", image: "i", exitCode: "3" } },
    scope: "local",
    time: 1_767_323_045,
    timeNano: 1_767_323_045_000_000_000,
  });
  assert.equal(
    formatterFor("{{.Type}} {{.Action}} {{.Actor.ID}} {{.Actor.Attributes.exitCode}} {{.Status}} {{.Time}}")(event),
    "container die x 3 die 1767323045",
  );
});

const inPod = create(ContainerSchema, {
  ...running,
  name: "k8s_server_web_shop_u_0",
  config: create(ContainerConfigSchema, { image: imageId, networkMode: "pod" }),
  pod: create(ContainerPodSchema, {
    id: "9".repeat(64),
    name: "web",
    namespace: "shop",
    uid: "u",
    containerName: "server",
    userSpecifiedImage: "shop/server:2",
  }),
});

test("ps shows pods in columns after docker's, only where there are any", () => {
  const now = new Date(1_767_323_100_000);
  const rows = [running, inPod].map((container) => containerRow(container, { full: false, now }));
  const table = (pods: boolean, size = false) =>
    formatRows(rows, "", containerFormat({ quiet: false, size, pods })).split("\n");
  assert.match(table(false)[0] ?? "", /NAMES$/);
  assert.match(table(true)[0] ?? "", /NAMES +POD +NAMESPACE$/);
  assert.match(table(true, true)[0] ?? "", /NAMES +SIZE +POD +NAMESPACE$/);
  assert.match(table(true)[1] ?? "", / web *$/);
  assert.match(table(true)[2] ?? "", / shop\/server:2 .* k8s_server_web_shop_u_0 +web +shop$/);
  assert.equal(formatRows(rows, "{{.PodID}}", containerFormat({ quiet: false, size: false })), "\n999999999999\n");
});

test("a container says which pod it belongs to", () => {
  assert.equal("Pod" in containerJson(running), false);
  assert.deepEqual(containerJson(inPod)["Pod"], {
    Id: "9".repeat(64),
    Name: "web",
    Namespace: "shop",
    Uid: "u",
    ContainerName: "server",
    Attempt: 0,
  });
});

const pod = create(PodSchema, {
  id: "9".repeat(64),
  name: "web",
  namespace: "shop",
  uid: "u",
  attempt: 1,
  createdAt: time(1_767_323_045),
  state: "not-ready",
  labels: { b: "2", a: "1" },
  runtimeHandler: "runc",
  addresses: ["10.1.0.9", "fd00::9"],
  networks: [{ network: "berth", interfaceName: "eth0", addresses: ["10.1.0.9/16"], gateways: ["10.1.0.1"] }],
  namespaces: {
    network: { mode: "pod", path: "/run/net" },
    ipc: { mode: "host" },
    pid: { mode: "container" },
    user: { path: "/run/user", uids: [{ containerId: 0, hostId: 100_000, size: 65_536 }] },
  },
  containers: [{ id, name: "server", status: "exited" }],
});

test("a pod, as inspect and as a row", () => {
  const json = podJson(pod);
  assert.equal(json["Created"], "2026-01-02T03:04:05.005Z");
  assert.deepEqual(json["State"], { Status: "not-ready", Ready: false, Pid: 0 });
  assert.deepEqual(json["Namespaces"], {
    Network: { Mode: "pod", Path: "/run/net" },
    Ipc: { Mode: "host", Path: "" },
    Pid: { Mode: "container", Path: "" },
    User: {
      Mode: "pod",
      Path: "/run/user",
      UidMappings: [{ ContainerID: 0, HostID: 100_000, Size: 65_536 }],
      GidMappings: [],
    },
  });
  assert.deepEqual(at(json, "NetworkSettings", "IPAddresses"), ["10.1.0.9", "fd00::9"]);
  assert.deepEqual(at(json, "NetworkSettings", "Networks", "berth"), {
    Interface: "eth0",
    MacAddress: "",
    Addresses: ["10.1.0.9/16"],
    Gateways: ["10.1.0.1"],
  });
  assert.deepEqual(json["Containers"], [{ Id: id, Name: "server", Attempt: 0, Status: "exited" }]);
  assert.equal(json["Dns"], null);

  const row = podRow(pod, { full: false, now: new Date(1_767_323_100_000) });
  assert.equal(
    formatRows([row], "", podFormat({ quiet: false }))
      .split("\n")[1]
      ?.replace(/ {2,}/g, "|"),
    "999999999999|54 seconds ago|NotReady|web|shop|1|runc|10.1.0.9",
  );
  assert.equal(formatRows([row], '{{.Labels}} {{.Label "b"}}', podFormat({ quiet: false })), "a=1,b=2 2\n");
  assert.equal(formatRows([row], "", podFormat({ quiet: true })), "999999999999\n");
});
