// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { AuthConfigSchema } from "../../../gen/runtime/v1/api_pb.js";
import { parseReference } from "../../../oci/reference/reference.ts";
import { credentialsFor } from "./credentials.ts";

function credentials(auth: MessageInitShape<typeof AuthConfigSchema>, name = "registry.example:5000/app") {
  return credentialsFor(parseReference(name), create(AuthConfigSchema, auth));
}

const base64 = (text: string) => Buffer.from(text).toString("base64");

test("every form is understood", () => {
  assert.deepEqual(credentials({ username: "me", password: "secret" }), { username: "me", password: "secret" });
  assert.deepEqual(credentials({ auth: base64("me:se:cret") }), { username: "me", password: "se:cret" });
  assert.deepEqual(credentials({ auth: base64("me:secret\0\0") }), { username: "me", password: "secret" });
  assert.deepEqual(credentials({ username: "me", password: "secret", auth: base64("you:other") }), {
    username: "me",
    password: "secret",
  });
  assert.deepEqual(credentials({ identityToken: "refresh" }), { identityToken: "refresh" });
  assert.deepEqual(credentials({ registryToken: "bearer" }), { registryToken: "bearer" });
  assert.equal(credentials({}), undefined);
  assert.equal(credentialsFor(parseReference("app"), undefined), undefined);
});

test("they go to no other registry than theirs", () => {
  const user = { username: "me", password: "secret" };
  for (const serverAddress of ["registry.example:5000", "https://registry.example:5000/v1/"]) {
    assert.deepEqual(credentials({ ...user, serverAddress }), user, serverAddress);
  }
  for (const serverAddress of ["registry.example", "https://other.example:5000", "example:5000"]) {
    assert.equal(credentials({ ...user, serverAddress }), undefined, serverAddress);
  }
  for (const serverAddress of ["https://index.docker.io/v1/", "docker.io", "registry-1.docker.io"]) {
    assert.deepEqual(credentials({ ...user, serverAddress }, "busybox"), user, serverAddress);
  }
});

test("what is no user and password is refused without being told", () => {
  for (const auth of ["no secret", base64("no colon"), "abc", `${base64("me:secret")}!`]) {
    assert.throws(() => credentials({ auth }), {
      code: "invalid-argument",
      message: "the auth of the credentials is not user:password in Base64",
    });
  }
});
