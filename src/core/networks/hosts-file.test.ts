// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../../base/errors.ts";
import { type HostsFileContent, renderHostsFile } from "./hosts-file.ts";

const render = (content: Partial<HostsFileContent> = {}) =>
  renderHostsFile({ hostname: "web", addresses: [], extraHosts: [], ...content });

test("a sandbox knows loopback and itself", () => {
  const text = render({ addresses: ["10.88.0.2/16", "fd00::2/64"], domainname: "example.com" });
  assert.equal(
    text,
    [
      "127.0.0.1\tlocalhost",
      "::1\tlocalhost ip6-localhost ip6-loopback",
      "fe00::\tip6-localnet",
      "ff00::\tip6-mcastprefix",
      "ff02::1\tip6-allnodes",
      "ff02::2\tip6-allrouters",
      "10.88.0.2\tweb.example.com web",
      "fd00::2\tweb.example.com web",
      "",
    ].join("\n"),
  );
});

test("extra hosts may be IPv4, IPv6 in any form, and the host", () => {
  const extraHosts = ["a:10.0.0.1", "b=10.0.0.2", "c:fd00::1", "d:[fd00::2]", "host.docker.internal:host-gateway"];
  const lines = render({ extraHosts, gateway: "10.88.0.1" }).split("\n");
  assert.deepEqual(lines.slice(6, -1), [
    "10.0.0.1\ta",
    "10.0.0.2\tb",
    "fd00::1\tc",
    "fd00::2\td",
    "10.88.0.1\thost.docker.internal",
  ]);
});

test("with the host's network the host's lines come first", () => {
  assert.equal(
    render({ hostText: "127.0.0.1 localhost\n", extraHosts: ["a:10.0.0.1"] }),
    "127.0.0.1 localhost\n10.0.0.1\ta\n",
  );
});

test("a bad extra host is named", () => {
  for (const bad of [
    "a",
    "a:",
    ":10.0.0.1",
    "a:b",
    "a:10.0.0.256",
    "a:10.0.0.1\nevil",
    "a b:10.0.0.1",
    "a:1.2.3.4]/",
  ]) {
    assert.throws(
      () => render({ extraHosts: [bad] }),
      (error: Error) => {
        assert.match(error.message, /add-host/);
        return hasCode(error, "invalid-argument");
      },
    );
  }
  assert.throws(() => render({ extraHosts: ["a:host-gateway"] }), /no host-gateway/);
});
