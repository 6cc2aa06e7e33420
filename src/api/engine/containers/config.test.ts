// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { defined } from "../../../base/defined.ts";
import type { ContainerConfig, MountRequest } from "../../../core/containers/container-config.ts";
import { ContainerConfigSchema } from "../../../gen/berth/engine/v1/container_pb.js";
import { fromConfigMessage } from "./config.ts";
import { toConfigMessage } from "./config-message.ts";

const word = fc.string({ minLength: 1, maxLength: 12 });
const words = fc.array(word, { maxLength: 3 });
const dictionary = fc.dictionary(fc.stringMatching(/^[a-z.]{1,8}$/), fc.string(), { noNullPrototype: true });
const flag = fc.boolean();
const natural = fc.nat();
/** What a 64-bit field holds and a number still says exactly. */
const large = fc.maxSafeNat();
const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const propagation = fc.constantFrom("private", "rprivate", "shared", "rshared", "slave", "rslave");

const mount: fc.Arbitrary<MountRequest> = fc.oneof(
  fc
    .record({
      type: fc.constant("bind" as const),
      source: word,
      target: word,
      readOnly: flag,
      recursive: fc.constantFrom("enabled" as const, "disabled" as const, "writable" as const, "readonly" as const),
      createSource: flag,
      propagation: maybe(propagation),
    })
    .map(({ propagation: asked, ...rest }) => ({ ...rest, ...defined({ propagation: asked }) })),
  fc
    .record({
      type: fc.constant("volume" as const),
      target: word,
      readOnly: flag,
      noCopy: flag,
      labels: dictionary,
      source: maybe(word),
    })
    .map(({ source, ...rest }) => ({ ...rest, ...defined({ source }) })),
  fc
    .record({
      type: fc.constant("tmpfs" as const),
      target: word,
      readOnly: flag,
      options: words,
      sizeBytes: maybe(large),
      mode: maybe(natural),
    })
    .map(({ sizeBytes, mode, ...rest }) => ({ ...rest, ...defined({ sizeBytes, mode }) })),
);

const required = fc.record({
  image: word,
  environment: words,
  labels: dictionary,
  terminal: flag,
  openStdin: flag,
  stdinOnce: flag,
  exposedPorts: words,
  privileged: flag,
  capabilitiesAdd: words,
  capabilitiesDrop: words,
  securityOptions: words,
  readOnlyRoot: flag,
  mounts: fc.array(mount, { maxLength: 3 }),
  devices: fc.array(fc.record({ host: word, container: word, permissions: word }), { maxLength: 2 }),
  deviceCgroupRules: words,
  ulimits: fc.array(fc.record({ name: word, soft: fc.maxSafeInteger(), hard: fc.maxSafeInteger() }), { maxLength: 2 }),
  sysctls: dictionary,
  groupAdd: words,
  networkMode: word,
  pidMode: fc.string(),
  ipcMode: word,
  utsMode: fc.string(),
  publishAll: flag,
  ports: fc.array(
    fc.record({
      hostIp: fc.string(),
      hostPort: fc.integer({ min: 0, max: 65_535 }),
      containerPort: fc.integer({ min: 1, max: 65_535 }),
      protocol: fc.constantFrom("tcp" as const, "udp" as const, "sctp" as const),
    }),
    { maxLength: 3 },
  ),
  extraHosts: words,
  dns: words,
  dnsSearch: words,
  dnsOptions: words,
  init: flag,
  autoRemove: flag,
  restartPolicy: fc.oneof(
    fc.constant({ name: "no" as const, maximumRetries: 0 }),
    fc.record({
      name: fc.constantFrom("always" as const, "unless-stopped" as const, "on-failure" as const),
      maximumRetries: natural,
    }),
  ),
  annotations: dictionary,
});

const optional = fc
  .record({
    command: maybe(fc.array(fc.string(), { minLength: 1, maxLength: 3 })),
    entrypoint: maybe(words),
    workingDirectory: maybe(fc.string()),
    user: maybe(fc.string()),
    hostname: maybe(fc.string()),
    domainname: maybe(fc.string()),
    stopSignal: maybe(fc.string()),
    stopTimeoutSeconds: maybe(natural),
    shmSizeBytes: maybe(large),
    oomScoreAdj: maybe(fc.integer({ min: -1000, max: 1000 })),
    usernsMode: maybe(word),
    cgroupnsMode: maybe(word),
    cgroupParent: maybe(fc.string()),
    runtimeHandler: maybe(fc.string()),
    platform: maybe(fc.string()),
    logRotation: maybe(fc.record({ maximumSize: large, maximumFiles: natural })),
  })
  .map(defined);

const resources = fc
  .record({
    memoryBytes: maybe(large),
    memoryReservationBytes: maybe(large),
    memorySwapBytes: maybe(fc.maxSafeInteger()),
    memorySwappiness: maybe(natural),
    nanoCpus: maybe(large),
    cpuShares: maybe(large),
    cpuPeriod: maybe(large),
    cpuQuota: maybe(fc.maxSafeInteger()),
    cpusetCpus: maybe(fc.string()),
    cpusetMems: maybe(fc.string()),
    pidsLimit: maybe(fc.maxSafeInteger()),
    blkioWeight: maybe(natural),
    oomKillDisable: maybe(flag),
  })
  .map(defined);

test("a configuration comes back from its message as it was asked for", () => {
  fc.assert(
    fc.property(required, optional, resources, (asked, more, limits) => {
      const config = { ...asked, ...more, resources: limits } as ContainerConfig;
      const bytes = toBinary(ContainerConfigSchema, create(ContainerConfigSchema, toConfigMessage(config)));
      // fast-check's records have no prototype; what they say is what counts.
      const plain = (value: object) => JSON.parse(JSON.stringify(value)) as object;
      assert.deepEqual(plain(fromConfigMessage(fromBinary(ContainerConfigSchema, bytes))), plain(config));
    }),
  );
});

const read = (init: MessageInitShape<typeof ContainerConfigSchema>) =>
  fromConfigMessage(create(ContainerConfigSchema, { image: "busybox", ...init }));

test("what is left out has docker run's defaults", () => {
  const config = read({});
  assert.equal(config.networkMode, "bridge");
  assert.equal(config.ipcMode, "private");
  assert.deepEqual(config.restartPolicy, { name: "no", maximumRetries: 0 });
  assert.deepEqual(config.resources, {});
  for (const absent of ["command", "entrypoint", "user", "hostname", "usernsMode", "stopTimeoutSeconds"]) {
    assert.ok(!(absent in config), absent);
  }
  assert.deepEqual(read({ mounts: [{ type: "bind", source: "/a", target: "/b" }] }).mounts, [
    { type: "bind", source: "/a", target: "/b", readOnly: false, recursive: "enabled", createSource: false },
  ]);
});

test("an empty entrypoint is not the same as none", () => {
  assert.deepEqual(read({ entrypoint: { values: [] } }).entrypoint, []);
});

test("refuses what no host could do, with Docker's words", () => {
  const port = { containerPort: 80, hostPort: 0, protocol: "tcp" };
  for (const [init, message] of [
    [{ image: "" }, "no image given"],
    [{ ports: [{ ...port, protocol: "icmp" }] }, "invalid proto: icmp"],
    [{ ports: [{ ...port, containerPort: 0 }] }, "invalid container port: 0"],
    [{ ports: [{ ...port, containerPort: 65_536 }] }, "invalid container port: 65536"],
    [{ ports: [{ ...port, hostPort: 65_536 }] }, "invalid host port: 65536"],
    [{ mounts: [{ type: "npipe" }] }, 'invalid mount config: mount type unknown: "npipe"'],
    [{ mounts: [{ type: "bind", propagation: "odd" }] }, "invalid mount propagation: odd"],
    [
      { mounts: [{ type: "bind", bindRecursive: "odd" }] },
      "invalid value for bind-recursive: odd: expected enabled, disabled, writable or readonly",
    ],
    [
      { restartPolicy: { name: "sometimes" } },
      "invalid restart policy: unknown policy 'sometimes'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'",
    ],
  ] satisfies [MessageInitShape<typeof ContainerConfigSchema>, string][]) {
    assert.throws(() => read(init), { code: "invalid-argument", message });
  }
});
