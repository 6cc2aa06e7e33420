// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hasCode } from "../../base/errors.ts";
import { parseCdiDocument } from "./parse-document.ts";

const yaml = `---
cdiVersion: "1.1.0"
kind: vendor.com/gpu
annotations: { maker: me }
containerEdits:
  env: [DRIVER=1]
  hooks:
    - hookName: createContainer
      path: /usr/bin/hook
      args: [hook, --fast]
      env: [A=B]
      timeout: 5
devices:
  - name: "0"
    containerEdits:
      deviceNodes:
        - path: /dev/gpu0
          hostPath: /dev/null
          type: c
          major: 1
          minor: 3
          fileMode: 0660
          permissions: rw
          uid: 0
          gid: 44
      mounts:
        - { hostPath: /usr/lib/gpu, containerPath: /usr/lib/gpu, options: [ro, bind], type: bind }
      netDevices: [{ hostInterfaceName: eth9, name: net0 }]
      intelRdt: { closID: gold, schemata: ["L3:0=f"], enableMonitoring: true }
      additionalGids: [44, 0]
  - name: all
    containerEdits: { env: [ALL=1] }
`;

test("a document in YAML, with numbers in their notations", () => {
  const { kind, edits, devices } = parseCdiDocument(yaml);
  assert.equal(kind, "vendor.com/gpu");
  assert.deepEqual(edits.environment, ["DRIVER=1"]);
  assert.deepEqual(edits.hooks, [
    { stage: "createContainer", path: "/usr/bin/hook", args: ["hook", "--fast"], env: ["A=B"], timeout: 5 },
  ]);
  assert.deepEqual([...devices.keys()], ["0", "all"]);
  assert.deepEqual(devices.get("0"), {
    environment: [],
    hooks: [],
    deviceNodes: [
      {
        path: "/dev/gpu0",
        hostPath: "/dev/null",
        type: "c",
        major: 1,
        minor: 3,
        fileMode: 0o660,
        permissions: "rw",
        uid: 0,
        gid: 44,
      },
    ],
    mounts: [{ hostPath: "/usr/lib/gpu", containerPath: "/usr/lib/gpu", options: ["ro", "bind"], type: "bind" }],
    netDevices: [{ hostInterfaceName: "eth9", name: "net0" }],
    intelRdt: { closID: "gold", schemata: ["L3:0=f"], enableMonitoring: true },
    additionalGids: [44, 0],
  });
});

const device = { name: "d", containerEdits: { env: ["A=1"] } };
const json = (document: object) => JSON.stringify({ cdiVersion: "1.0.0", kind: "v/c", devices: [device], ...document });
const withEdits = (containerEdits: object, cdiVersion = "1.1.0") => json({ cdiVersion, containerEdits });

test("a document in JSON; what is null is not there", () => {
  const { devices, edits } = parseCdiDocument(withEdits({ env: null, mounts: [], intelRdt: null }, "v0.3.0"));
  assert.deepEqual([devices.get("d")?.environment, edits.environment], [["A=1"], []]);
});

const refused: readonly [text: string, message: string | RegExp][] = [
  ["{", /neither JSON nor YAML/],
  ["a: [", /neither JSON nor YAML/],
  ["a: 1\na: 2", /neither JSON nor YAML/],
  ["- 1", "the specification must be an object"],
  ["", "the specification must be an object"],
  [json({ cdiVersion: "" }), "the specification: cdiVersion is missing"],
  [json({ cdiVersion: "9.0.0" }), 'unknown version "9.0.0" of CDI'],
  [json({ kind: "vendor" }), 'invalid kind "vendor": it is vendor/class'],
  [json({ devices: [] }), "the specification has no devices"],
  [json({ devices: {} }), "the specification: devices must be a list"],
  [json({ devices: [device, device] }), "the specification has two devices of one name"],
  [json({ devices: [{ name: "d" }] }), "the specification.devices[0]: the device d changes nothing"],
  [json({ devices: [{ ...device, name: "-" }] }), 'the specification.devices[0]: invalid device name "-"'],
  [json({ extra: 1 }), 'the specification has an unknown field "extra"'],
  [withEdits({ environment: [] }), 'the specification.containerEdits has an unknown field "environment"'],
  [withEdits({ env: ["A"] }), 'the specification.containerEdits: invalid environment variable "A"'],
  [withEdits({ env: [{}] }), "the specification.containerEdits: env must be a list of texts"],
  [withEdits({ deviceNodes: [{}] }), "the specification.containerEdits.deviceNodes[0]: path is missing"],
  [withEdits({ deviceNodes: [{ path: "/a", type: "x" }] }), /deviceNodes\[0\]: invalid type "x"/],
  [withEdits({ deviceNodes: [{ path: "/a", permissions: "rx" }] }), /deviceNodes\[0\]: invalid permissions "rx"/],
  [withEdits({ deviceNodes: [{ path: "/a", major: "one" }] }), /deviceNodes\[0\]: major must be an integer/],
  [withEdits({ mounts: [{ hostPath: "/a" }] }), /mounts\[0\]: containerPath is missing/],
  [withEdits({ hooks: [{ hookName: "later", path: "/a" }] }), /hooks\[0\]: invalid hook name "later"/],
  [withEdits({ hooks: [{ hookName: "poststop" }] }), /hooks\[0\]: path is missing/],
  [withEdits({ additionalGids: [-1] }), /additionalGids\[0\] must be a group id/],
  [withEdits({ intelRdt: { closID: "../x" } }), /intelRdt: invalid closID/],
  [withEdits({ intelRdt: { enableMonitoring: "maybe" } }), /enableMonitoring must be true or false/],
  [withEdits({ netDevices: [{ name: "a" }] }), /netDevices\[0\]: hostInterfaceName is missing/],
  [
    withEdits({
      netDevices: [
        { hostInterfaceName: "a", name: "x" },
        { hostInterfaceName: "b", name: "x" },
      ],
    }),
    "the specification.containerEdits.netDevices: two have the same name",
  ],
];
for (const [text, message] of refused) {
  test(`refused: ${String(message)}`, () => {
    assert.throws(() => parseCdiDocument(text), { code: "invalid-argument", message });
  });
}

const needs: readonly [document: string, version: string][] = [
  [withEdits({ netDevices: [{ hostInterfaceName: "a", name: "a" }] }, "1.0.0"), "1.1.0"],
  [withEdits({ intelRdt: { enableMonitoring: true } }, "1.0.0"), "1.1.0"],
  [withEdits({ intelRdt: {} }, "0.6.0"), "0.7.0"],
  [withEdits({ additionalGids: [1] }, "0.6.0"), "0.7.0"],
  [json({ cdiVersion: "0.5.0", annotations: { a: "b" } }), "0.6.0"],
  [json({ cdiVersion: "0.5.0", kind: "v/c.d" }), "0.6.0"],
  [json({ cdiVersion: "0.4.0", devices: [{ ...device, name: "0" }] }), "0.5.0"],
  [withEdits({ deviceNodes: [{ path: "/a", hostPath: "/b" }] }, "0.4.0"), "0.5.0"],
  [withEdits({ mounts: [{ hostPath: "/a", containerPath: "/a", type: "bind" }] }, "0.3.0"), "0.4.0"],
];
for (const [text, version] of needs) {
  test(`needs version ${version}: ${text}`, () => {
    assert.throws(() => parseCdiDocument(text), { message: new RegExp(`uses what only ${version} has$`) });
  });
}

test("whatever a file has in it, it is a specification or invalid", () => {
  const documents = fc.record(
    {
      cdiVersion: fc.constantFrom("1.1.0", "0.3.0", 1, null),
      kind: fc.constantFrom("v/c", "v", {}),
      containerEdits: fc.jsonValue(),
      devices: fc.array(fc.record({ name: fc.string(), containerEdits: fc.jsonValue() }), { maxLength: 3 }),
    },
    { requiredKeys: [] },
  );
  const texts = fc.oneof(
    fc.string(),
    fc.json(),
    documents.map((document) => JSON.stringify(document)),
  );
  fc.assert(
    fc.property(texts, (text) => {
      try {
        assert.ok(parseCdiDocument(text).devices.size > 0);
      } catch (error) {
        assert.ok(hasCode(error, "invalid-argument"), String(error));
      }
    }),
  );
  assert.throws(() => parseCdiDocument("[".repeat(200_000)), { code: "invalid-argument" });
});
