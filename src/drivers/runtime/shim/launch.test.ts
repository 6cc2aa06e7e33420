// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { create, toBinary } from "@bufbuild/protobuf";
import { BootstrapResultSchema } from "../../../gen/containerd/runtime/bootstrap/v1/bootstrap_pb.js";
import { parseAnswer } from "./launch.ts";

const protobuf = (version: number, address: string, protocol: string) =>
  toBinary(BootstrapResultSchema, create(BootstrapResultSchema, { version, address, protocol }));

void test("all three answers of shims are understood", () => {
  assert.deepEqual(parseAnswer(Buffer.from("unix:///run/s/1\n"), "shim"), { socket: "/run/s/1", version: 2 });
  const json = '{"version":3,"address":"unix:///run/s/2","protocol":"ttrpc"}';
  assert.deepEqual(parseAnswer(Buffer.from(json), "shim"), { socket: "/run/s/2", version: 3 });
  assert.deepEqual(parseAnswer(protobuf(3, "unix:///run/s/3", "ttrpc"), "shim"), { socket: "/run/s/3", version: 3 });
});

void test("an answer that cannot be used names the shim and the reason", () => {
  const cases: readonly (readonly [Uint8Array, string, RegExp])[] = [
    [Buffer.from(""), "unavailable", /no socket/],
    [Buffer.from("hello"), "unavailable", /cannot be understood/],
    [Buffer.from("{"), "unavailable", /cannot be understood/],
    [Buffer.from("unix://relative"), "unavailable", /no socket: unix:\/\/relative/],
    [protobuf(3, "unix:///run/s/3", "grpc"), "failed-precondition", /speaks grpc/],
    [protobuf(4, "unix:///run/s/3", "ttrpc"), "failed-precondition", /version 4/],
  ];
  for (const [answer, code, message] of cases) {
    assert.throws(() => parseAnswer(answer, "some-shim"), { code, message });
    assert.throws(() => parseAnswer(answer, "some-shim"), /some-shim/);
  }
});
