// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cleanPath } from "./clean-path.ts";
import { parseMountFlag } from "./mount-flag.ts";
import { checkMountRequests, type MountRequest } from "./mount-request.ts";
import { parseTmpfsFlag } from "./tmpfs-flag.ts";
import { parseVolumeFlag } from "./volume-flag.ts";

const bind = {
  type: "bind",
  source: "/a",
  target: "/b",
  readOnly: false,
  recursive: "enabled",
  createSource: true,
} as const;
const volume = { type: "volume", target: "/b", readOnly: false, noCopy: false } as const;

const volumes: readonly [text: string, request: MountRequest][] = [
  ["/b", volume],
  ["name:/b", { ...volume, source: "name" }],
  ["name:/b:nocopy,ro", { ...volume, source: "name", noCopy: true, readOnly: true }],
  ["/a:/b", bind],
  ["/a:/b:rw", bind],
  ["/a:/b:ro,Z", { ...bind, readOnly: true }],
  ["/a:/b:z,rslave", { ...bind, propagation: "rslave" }],
  ["/a/../a//:/b/./", bind],
  ["./x:/b", { ...bind, source: "/srv/dir/x" }],
  ["..:/b", { ...bind, source: "/srv" }],
  ["/a:/b:cached", bind],
];
for (const [text, request] of volumes) {
  test(`-v ${text}`, () => assert.deepEqual(parseVolumeFlag(text, "/srv/dir"), request));
}

const bindPrefix = `invalid mount config for type "bind":`;
const volumePrefix = `invalid mount config for type "volume":`;
const badVolumes: readonly [text: string, message: string][] = [
  ["", "invalid volume specification: ''"],
  [":/b", "invalid volume specification: ':/b'"],
  ["/a:ro", "invalid volume specification: '/a:ro'"],
  ["/a:/b:ro:x", "invalid volume specification: '/a:/b:ro:x'"],
  ["/a:/b:foo", "invalid mode: foo"],
  ["/a:/b:ro,rw", "invalid mode: ro,rw"],
  ["/a:/b:z,Z", "invalid mode: z,Z"],
  ["/a:/", `invalid volume specification: '/a:/': ${bindPrefix} invalid specification: destination can't be '/'`],
  [
    "/a:/b/..",
    `invalid volume specification: '/a:/b/..': ${bindPrefix} invalid specification: destination can't be '/'`,
  ],
  ["n:b", `invalid volume specification: 'n:b': ${volumePrefix} invalid mount path: 'b' mount path must be absolute`],
  ["b", `invalid volume specification: 'b': ${volumePrefix} invalid mount path: 'b' mount path must be absolute`],
  ["n:/b:rslave", "invalid volume specification: 'n:/b:rslave': invalid propagation mode for a volume: rslave"],
];
for (const [text, message] of badVolumes) {
  test(`-v ${text} is refused`, () => {
    assert.throws(() => parseVolumeFlag(text, "/"), { code: "invalid-argument", message });
  });
}

const asked = { ...bind, createSource: false };
const tmpfs = { type: "tmpfs", target: "/b", readOnly: false, options: [] } as const;
const mounts: readonly [text: string, request: MountRequest][] = [
  ["target=/b", volume],
  ["source=data,destination=/b,volume-nocopy", { ...volume, source: "data", noCopy: true }],
  ["src=data,dst=/b,volume-label=a=b=c,volume-driver=local", { ...volume, source: "data", labels: { a: "b=c" } }],
  ["type=bind,src=/a,dst=/b", asked],
  ["type=bind,src=./a,dst=/b,ro", { ...asked, source: "/srv/dir/a", readOnly: true }],
  ["type=bind,src=/a,dst=/b,readonly=false", asked],
  ["type=BIND,src=/a,dst=/b,bind-propagation=rshared", { ...asked, propagation: "rshared" }],
  ["type=bind,src=/a,dst=/b,bind-recursive=disabled", { ...asked, recursive: "disabled" }],
  ["type=bind,src=/a,dst=/b,bind-nonrecursive", { ...asked, recursive: "disabled" }],
  ["type=bind,src=/a,dst=/b,ro,bind-recursive=readonly", { ...asked, readOnly: true, recursive: "readonly" }],
  ["type=bind,src=/a,dst=/b,bind-create-src", bind],
  ['type=bind,"src=/a,1",dst=/b', { ...asked, source: "/a,1" }],
  ['type=bind,"src=/a""1",dst=/b', { ...asked, source: '/a"1' }],
  ["type=tmpfs,dst=/b,tmpfs-size=64m,tmpfs-mode=1777", { ...tmpfs, sizeBytes: 67_108_864, mode: 0o1777 }],
];
for (const [text, request] of mounts) {
  test(`--mount ${text}`, () => assert.deepEqual(parseMountFlag(text, "/srv/dir"), request));
}

const badMounts: readonly [text: string, message: string][] = [
  ["", "invalid field '' must be a key=value pair"],
  ["type=bind,src=/a", "target is required"],
  ["type=,dst=/b", "type is required"],
  ["type=bind,dst=/b", `${bindPrefix} field Source must not be empty`],
  ["type=bind,src=a,dst=/b", `${bindPrefix} invalid mount path: 'a' mount path must be absolute`],
  ["type=bind,src=/a,dst=/", `${bindPrefix} invalid specification: destination can't be '/'`],
  ["type=npipe,dst=/b", 'invalid mount config for type "npipe": mount type unknown'],
  ["type=tmpfs,src=/a,dst=/b", 'invalid mount config for type "tmpfs": field Source must not be specified'],
  ["type=bind,src=/a,dst=/b,volume-nocopy", "cannot mix 'volume-*' options with mount type 'bind'"],
  ["dst=/b,bind-propagation=slave", "cannot mix 'bind-*' options with mount type 'volume'"],
  ["dst=/b,tmpfs-size=1", "cannot mix 'tmpfs-*' options with mount type 'volume'"],
  ["dst=/b,nonsense", "invalid field 'nonsense' must be a key=value pair"],
  ["dst=/b,foo=bar", "unexpected key 'foo' in 'foo=bar'"],
  ["dst=/b,toString=bar", "unexpected key 'toString' in 'toString=bar'"],
  ["dst=/b,readonly=maybe", "invalid value for readonly: maybe"],
  ["type=tmpfs,dst=/b,tmpfs-size=x", "invalid value for tmpfs-size: x"],
  ["type=tmpfs,dst=/b,tmpfs-mode=9", "invalid value for tmpfs-mode: 9"],
  ["type=bind,src=/a,dst=/b,bind-propagation=up", "invalid propagation mode: up"],
  [
    "type=bind,src=/a,dst=/b,bind-recursive=x",
    'invalid value for bind-recursive: x (must be "enabled", "disabled", "writable", or "readonly")',
  ],
  [
    "type=bind,src=/a,dst=/b,bind-recursive=readonly",
    `${bindPrefix} mount source must be read-only with bind-recursive=readonly`,
  ],
  [
    "type=bind,src=/a,dst=/b,ro,bind-recursive=readonly,bind-propagation=rslave",
    `${bindPrefix} bind-recursive=readonly requires bind-propagation=rprivate`,
  ],
  ["dst=/b,volume-driver=nfs", 'volume driver "nfs" not found, only "local" is there'],
  ['dst=/b,"x', `invalid mount: bare or unfinished quote in 'dst=/b,"x'`],
];
for (const [text, message] of badMounts) {
  test(`--mount ${text} is refused: ${message}`, () => {
    assert.throws(() => parseMountFlag(text, "/"), { code: "invalid-argument", message });
  });
}

test("--tmpfs", () => {
  assert.deepEqual(parseTmpfsFlag("/b"), tmpfs);
  assert.deepEqual(parseTmpfsFlag("/b:size=64m,exec"), { ...tmpfs, options: ["size=64m", "exec"] });
  assert.deepEqual(parseTmpfsFlag("/b:ro"), { ...tmpfs, readOnly: true, options: ["ro"] });
  assert.throws(() => parseTmpfsFlag("/"), { code: "invalid-argument" });
  assert.throws(() => parseTmpfsFlag("b"), { code: "invalid-argument" });
});

test("two mounts on one place are refused, however they are written", () => {
  const twice: readonly MountRequest[] = [volume, { ...tmpfs, target: "/x/..//b/" }];
  assert.throws(() => checkMountRequests(twice), { message: "Duplicate mount point: /b" });
});

test("a clean path has no dots, stays clean and never leaves the root", () => {
  for (const [path, clean] of [
    ["/", "/"],
    ["//a//b/", "/a/b"],
    ["/../..", "/"],
    ["a/../..", ".."],
    ["", "."],
    ["./a", "a"],
  ] as const) {
    assert.equal(cleanPath(path), clean, path);
  }
  fc.assert(
    fc.property(fc.array(fc.constantFrom("a", "b", ".", "..", "")), (parts) => {
      const clean = cleanPath(`/${parts.join("/")}`);
      assert.equal(cleanPath(clean), clean);
      assert.doesNotMatch(clean, /\/\.{0,2}\/|\/\.{1,2}$|.\/$/);
    }),
  );
});

test("a bind that is written out is read again", () => {
  const name = fc
    .string({ unit: fc.constantFrom(..."abc.-_ ".split("")), minLength: 1 })
    .map((text) => cleanPath(`/r/x${text}`));
  fc.assert(
    fc.property(name, name, fc.boolean(), (source, target, readOnly) => {
      const text = `${source}:${target}:${readOnly ? "ro" : "rw"}`;
      assert.deepEqual(parseVolumeFlag(text, "/"), { ...bind, source, target, readOnly });
    }),
  );
});
