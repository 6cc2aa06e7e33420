// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { codeOf } from "../../base/errors.ts";
import { formatPaxRecord } from "./pax.ts";
import type { TarEntry } from "./tar-entry.ts";
import { TarReader } from "./tar-reader.ts";
import { tarEnd, tarHeader, tarPadding } from "./tar-writer.ts";
import { makeTar, patchHeader, readTar, tarPart } from "./testing/tar-files.ts";

const name = fc
  .array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 400 })
  .map((bytes) => `n${String.fromCharCode(...bytes)}e`);
const entryArbitrary = fc
  .record({
    path: name,
    kind: fc.constantFrom("file", "symlink", "hard-link", "directory", "fifo", "character-device", "block-device"),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: fc.integer({ min: 0, max: 2 ** 32 }),
    gid: fc.integer({ min: 0, max: 2 ** 32 }),
    mtimeSeconds: fc.integer({ min: -(2 ** 35), max: 2 ** 40 }),
    mtimeNanoseconds: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999_999 })),
    linkTarget: name,
    deviceMajor: fc.integer({ min: 0, max: 0o7777777 }),
    deviceMinor: fc.integer({ min: 0, max: 0o7777777 }),
    xattrs: fc
      .dictionary(fc.stringMatching(/^user\.[a-z]{1,9}$/), fc.uint8Array())
      .map((xattrs) => new Map(Object.entries(xattrs).sort(([left], [right]) => (left < right ? -1 : 1)))),
    data: fc.uint8Array({ maxLength: 1500 }),
  })
  .map((entry) => ({
    ...entry,
    data: entry.kind === "file" ? entry.data : new Uint8Array(),
    linkTarget: entry.kind.endsWith("link") ? entry.linkTarget : "",
    deviceMajor: entry.kind.endsWith("device") ? entry.deviceMajor : 0,
    deviceMinor: entry.kind.endsWith("device") ? entry.deviceMinor : 0,
  }));

test("what the writer writes the reader reads, cut anywhere", () => {
  fc.assert(
    fc.property(fc.array(entryArbitrary, { maxLength: 4 }), fc.array(fc.nat()), (entries, cuts) => {
      const archive = makeTar(...(entries as never[]));
      const sorted = cuts.map((cut) => cut % (archive.length + 1)).sort((left, right) => left - right);
      const got = readTar(archive, sorted).map(({ data, xattrs, ...entry }) => ({
        ...entry,
        data: data.toString("hex"),
        xattrs: [...xattrs].map(([key, value]) => [key, Buffer.from(value).toString("hex")]),
      }));
      const expected = entries.map(({ data, xattrs, ...entry }) => ({
        ...entry,
        size: data.length,
        extents: undefined,
        data: Buffer.from(data).toString("hex"),
        xattrs: [...xattrs].map(([key, value]) => [key, Buffer.from(value).toString("hex")]),
      }));
      assert.deepEqual(got, expected);
    }),
    { numRuns: 200 },
  );
});

test("the same entry always gives the same bytes", () => {
  const xattrs = (names: string[]) => new Map(names.map((key) => [key, Buffer.from("v")]));
  const one = tarHeader({ path: "a", kind: "file", xattrs: xattrs(["user.b", "user.a"]) });
  assert.deepEqual(one, tarHeader({ path: "a", kind: "file", xattrs: xattrs(["user.a", "user.b"]) }));
});

test("an archive of GNU tar reads the same however it is cut", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "berth-tar-reader-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  execFileSync("sh", [
    "-ec",
    `cd ${directory}; mkdir tree; cd tree; echo hello > file; ln file hard; ln -s file soft; mkfifo pipe; mkdir sub
     long=$(printf 'x%.0s' $(seq 90)); mkdir -p $long/$long; echo deep > $long/$long/$long; ln -s $long/$long/$long longlink
     truncate -s 300000 sparse; for i in 1 3 5 7 9 11 13; do
     printf data$i | dd of=sparse bs=16384 seek=$i conv=notrunc status=none; done`,
  ]);
  for (const options of [
    "gnu",
    "pax",
    "ustar",
    "posix --sparse",
    "gnu --sparse",
    "posix --sparse --sparse-version=0.0",
    "posix --sparse --sparse-version=0.1",
    "v7",
  ]) {
    const isV7 = options === "v7";
    const archive = execFileSync(
      "sh",
      [
        "-c",
        `tar --sort=name --format=${options} -C ${directory}/tree -cf - ${isV7 ? "--exclude=pipe --exclude='x*' --exclude=longlink " : ""}. | cat`,
      ],
      { maxBuffer: 1 << 26, stdio: ["ignore", "pipe", "ignore"] },
    );
    const whole = readTar(archive);
    const byPath = new Map(whole.map((entry) => [entry.path, entry]));
    const kinds = Object.fromEntries(whole.map((entry) => [entry.path, entry.kind]));
    assert.equal(kinds["./sub/"], "directory", options);
    assert.equal(kinds["./soft"], "symlink", options);
    assert.equal(kinds["./hard"], "hard-link", options);
    assert.equal(byPath.get("./hard")?.linkTarget, "./file", options);
    assert.equal(byPath.get("./file")?.data.toString(), "hello\n", options);
    const sparse = byPath.get("./sparse")?.data;
    assert.equal(sparse?.length, 300_000, options);
    for (const index of [1, 3, 5, 7, 9, 11, 13]) {
      assert.equal(sparse?.toString("latin1", index * 16384, index * 16384 + 5), `data${index}`.slice(0, 5), options);
    }
    assert.equal(byPath.get("./sparse")?.extents !== undefined, options.includes("--sparse"), options);
    const deep = `./${Array(3).fill("x".repeat(90)).join("/")}`;
    if (!options.startsWith("ustar") && !isV7) {
      assert.equal(byPath.get(deep)?.data.toString(), "deep\n", options);
      assert.equal(byPath.get("./longlink")?.linkTarget, deep.slice(2), options);
      assert.equal(kinds["./pipe"], "fifo", options);
    }
    const step = Math.max(1, Math.floor(archive.length / 400));
    for (let cut = 1; cut < archive.length; cut += step) assert.deepEqual(readTar(archive, [cut]), whole);
    const everyByte = Array.from({ length: Math.min(archive.length, 30_000) }, (_, index) => index);
    assert.deepEqual(readTar(archive, everyByte), whole, options);
  }
});

test("times, owners, devices and attributes of GNU tar come through", (t) => {
  const directory = mkdtempSync(join(tmpdir(), "berth-tar-reader-"));
  t.after(() => rmSync(directory, { recursive: true, force: true }));
  writeFileSync(join(directory, "f"), "x");
  const archive = execFileSync("tar", [
    ..."--format=posix --owner=:3000000 --group=:77 --mtime=@1700000000.25 --mode=4755 --xattrs".split(" "),
    "-C",
    directory,
    "-cf",
    "-",
    "f",
  ]);
  const [entry] = readTar(archive);
  assert.deepEqual(
    [entry?.uid, entry?.gid, entry?.mtimeSeconds, entry?.mtimeNanoseconds, entry?.mode],
    [3_000_000, 77, 1_700_000_000, 250_000_000, 0o4755],
  );
  const gnu = execFileSync("tar", ["--format=gnu", "--owner=:3000000", "-C", directory, "-cf", "-", "f"]);
  assert.equal(readTar(gnu)[0]?.uid, 3_000_000, "base-256");
  const devices = execFileSync("tar", ["-C", "/dev", "-cf", "-", "null"]);
  const [device] = readTar(devices);
  assert.deepEqual([device?.kind, device?.deviceMajor, device?.deviceMinor], ["character-device", 1, 3]);
});

function withPax(records: Readonly<Record<string, string>>, entry: Buffer, flag = "x"): Buffer {
  const body = Buffer.concat(
    Object.entries(records).map(([key, value]) => formatPaxRecord(key, Buffer.from(value, "latin1"))),
  );
  const part = tarPart({ path: "pax", data: body });
  return Buffer.concat([patchHeader(part, 156, Buffer.from(flag)), entry]);
}

test("PAX records win over the header, also for the size", () => {
  const entry = tarPart({ path: "short", data: "1234567890" });
  const stored = Buffer.concat([
    patchHeader(entry.subarray(0, 512), 124, Buffer.from("00000000003\0")),
    entry.subarray(512),
  ]);
  const [read] = readTar(makeTar(withPax({ path: "longer", size: "10", mtime: "-1.5" }, stored)));
  assert.deepEqual(
    [read?.path, read?.data.toString(), read?.mtimeSeconds, read?.mtimeNanoseconds],
    ["longer", "1234567890", -2, 500_000_000],
  );
});

test("a global PAX header holds for all entries that say nothing else", () => {
  const global = withPax({ uid: "42", comment: "git" }, Buffer.alloc(0), "g");
  const entries = readTar(makeTar(global, { path: "a", uid: 1 }, withPax({ uid: "7" }, tarPart({ path: "b" }))));
  assert.deepEqual(
    entries.map((entry) => [entry.path, entry.uid]),
    [
      ["a", 42],
      ["b", 7],
    ],
  );
});

test("LIBARCHIVE and SCHILY attributes are read", () => {
  const [entry] = readTar(
    makeTar(
      withPax({ "LIBARCHIVE.xattr.user.a%20b": "AQI=", "SCHILY.xattr.user.raw": "\0\n=" }, tarPart({ path: "f" })),
    ),
  );
  assert.deepEqual(Object.fromEntries(entry?.xattrs ?? []), {
    "user.a b": Buffer.from([1, 2]),
    "user.raw": Buffer.from("\0\n="),
  });
});

test("signed checksums, V7 directories and archives without an end are read", () => {
  const part = tarPart({ path: "é".repeat(3), data: "x" });
  const signed = Buffer.from(part);
  const sum = [...signed.subarray(0, 512)].reduce(
    (total, byte, index) => total + (index >= 148 && index < 156 ? 32 : (byte << 24) >> 24),
    0,
  );
  signed.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  assert.equal(readTar(makeTar(signed))[0]?.path, "é".repeat(3));
  const directory = patchHeader(tarPart({ path: "old/", kind: "file" }), 156, Buffer.from([0]));
  assert.equal(readTar(directory)[0]?.kind, "directory");
  assert.deepEqual(readTar(Buffer.alloc(0)), []);
  assert.deepEqual(readTar(Buffer.concat([tarEnd(), Buffer.from("anything at all")])), []);
});

const file = tarPart({ path: "f", data: "x".repeat(600) });
const extension = (size: number, flag: string) =>
  patchHeader(tarHeader({ path: "e", kind: "file", size }), 156, Buffer.from(flag));
const base256 = (value: number[]) => Buffer.from([...Array(12 - value.length).fill(0), ...value]);

const refused: readonly (readonly [what: string, archive: Buffer, code: string, message: RegExp])[] = [
  ["truncated data", file.subarray(0, 700), "data-loss", /truncated at byte 700 in "f"/],
  ["truncated header", file.subarray(0, 300), "data-loss", /truncated at byte 300/],
  ["truncated PAX header", withPax({ path: "y" }, Buffer.alloc(0)), "data-loss", /truncated/],
  ["wrong checksum", Buffer.concat([Buffer.from("x"), file.subarray(1)]), "data-loss", /byte 0 has a wrong checksum/],
  [
    "letters in a number",
    patchHeader(file, 124, Buffer.from("12z45678901\0")),
    "data-loss",
    /bad number in its field size/,
  ],
  ["negative size", patchHeader(file, 124, Buffer.from(Array(12).fill(0xff))), "data-loss", /negative size/],
  [
    "size over 2^53",
    patchHeader(file, 124, base256([0x80, 1, 0, 0, 0, 0, 0, 0, 0])),
    "data-loss",
    /truncated|bad number/,
  ],
  ["unknown type", patchHeader(file, 156, Buffer.from("V")), "invalid-argument", /"f" has the unknown type "V"/],
  ["lone zero block", Buffer.concat([Buffer.alloc(512), file]), "data-loss", /lone zero block/],
  ["huge PAX header", extension(1 << 21, "x"), "invalid-argument", /extension header of 2097152 bytes/],
  ["huge long name", extension(1 << 21, "L"), "invalid-argument", /extension header/],
  ["long path", tarPart({ path: "p/".repeat(2048) }), "invalid-argument", /longer than 4095 bytes/],
  ["NUL in a PAX path", withPax({ path: "a\0b" }, file), "data-loss", /NUL/],
  ["global path", withPax({ path: "a" }, file, "g"), "invalid-argument", /global PAX header sets path/],
  ["PAX size not a number", withPax({ size: "0x10" }, file), "data-loss", /size is not a number/],
  ["PAX mtime not a time", withPax({ mtime: "1e400" }, file), "data-loss", /mtime is not a time/],
  [
    "sparse map beyond the end",
    withPax({ "GNU.sparse.map": "500,600", "GNU.sparse.size": "1000" }, file),
    "data-loss",
    /sparse map/,
  ],
  [
    "sparse map not as stored",
    withPax({ "GNU.sparse.map": "0,9", "GNU.sparse.size": "1000" }, file),
    "data-loss",
    /does not match/,
  ],
  [
    "sparse 1.0 map without end",
    withPax({ "GNU.sparse.major": "1", "GNU.sparse.realsize": "9" }, file),
    "data-loss",
    /sparse map/,
  ],
];

for (const [what, archive, code, message] of refused) {
  test(`refused: ${what}`, () => {
    for (const cuts of [[], Array.from({ length: Math.min(archive.length, 4000) }, (_, index) => index)]) {
      assert.throws(
        () => readTar(archive, cuts),
        (error: Error) => codeOf(error) === code && message.test(error.message),
      );
    }
  });
}

test("random bytes are read or refused, and never crash", () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 512, maxLength: 2048 }),
      fc.constantFrom("x", "g", "L", "S", "0"),
      (noise, flag) => {
        const body = Buffer.concat([Buffer.from(noise), Buffer.from(tarPadding(noise.length))]);
        const archive = Buffer.concat([extension(noise.length, flag), body, file]);
        try {
          readTar(archive);
        } catch (error) {
          assert.match(codeOf(error), /^(data-loss|invalid-argument)$/);
        }
      },
    ),
  );
});

test("large archives pass at memory speed", () => {
  const part = tarPart({ path: "usr/lib/something/file", data: Buffer.alloc(15_000, 1) });
  const archive = Buffer.concat(Array<Buffer>(2000).fill(part));
  let bytes = 0;
  let last: TarEntry | undefined;
  const reader = new TarReader({
    entry: (entry) => {
      last = entry;
    },
    data: (chunk) => {
      bytes += chunk.length;
    },
    end: () => {},
  });
  const start = performance.now();
  for (let at = 0; at < archive.length; at += 65_536) reader.write(archive.subarray(at, at + 65_536));
  reader.finish();
  const rate = archive.length / 1e3 / (performance.now() - start);
  assert.equal(bytes, 30_000_000);
  assert.equal(last?.size, 15_000);
  assert.ok(rate > 100, `${rate.toFixed()} MB/s`);
});
