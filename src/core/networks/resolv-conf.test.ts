// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  hostResolvConf,
  isResolvedStub,
  parseResolvConf,
  type ResolvConf,
  renderResolvConf,
  sandboxResolvConf,
} from "./resolv-conf.ts";

const nothing: ResolvConf = { nameservers: [], search: [], options: [] };
const host = parseResolvConf(`
# written by somebody
nameserver 127.0.0.1
nameserver 10.0.0.53 ; the real one
nameserver fe80::1%eth0
nameserver fd00::53
domain old.example
search example.com corp.example
options ndots:2
options edns0
sortlist 1.2.3.4
`);

test("what resolv.conf says is read, the last search list counts", () => {
  assert.deepEqual(host, {
    nameservers: ["127.0.0.1", "10.0.0.53", "fe80::1%eth0", "fd00::53"],
    search: ["example.com", "corp.example"],
    options: ["ndots:2", "edns0"],
  });
  assert.deepEqual(parseResolvConf(renderResolvConf(host)), host);
});

test("a sandbox gets the host's, without what it cannot reach", () => {
  const conf = sandboxResolvConf({ host, network: nothing, asked: nothing, ipv6: false });
  assert.equal(
    renderResolvConf(conf),
    "nameserver 10.0.0.53\nsearch example.com corp.example\noptions ndots:2 edns0\n",
  );
  const both = sandboxResolvConf({ host, network: nothing, asked: nothing, ipv6: true });
  assert.deepEqual(both.nameservers, ["10.0.0.53", "fd00::53"]);
});

test("what the user asks for comes first, then the network's own", () => {
  const network = { nameservers: ["10.96.0.10"], search: ["cluster.local"], options: [] };
  const asked = { nameservers: ["1.1.1.1", "2606:4700::1111"], search: ["."], options: ["timeout:1"] };
  assert.deepEqual(sandboxResolvConf({ host, network, asked: nothing, ipv6: false }), {
    nameservers: ["10.96.0.10"],
    search: ["cluster.local"],
    options: ["ndots:2", "edns0"],
  });
  assert.deepEqual(sandboxResolvConf({ host, network, asked, ipv6: false }), { ...asked, search: [] });
});

test("public nameservers stand in when the host's are all its own", () => {
  const local = parseResolvConf("nameserver 127.0.0.53\nnameserver ::1\n");
  const conf = sandboxResolvConf({ host: local, network: nothing, asked: nothing, ipv6: true });
  assert.deepEqual(conf.nameservers, ["8.8.8.8", "8.8.4.4"]);
});

test("systemd-resolved's stub is recognised only when it is alone", () => {
  assert.ok(isResolvedStub(parseResolvConf("nameserver 127.0.0.53\noptions edns0\n")));
  assert.ok(!isResolvedStub(parseResolvConf("nameserver 127.0.0.53\nnameserver 10.0.0.1\n")));
});

test("in the host's network the host's file stays as it is", () => {
  assert.deepEqual(hostResolvConf(host, nothing), host);
  assert.deepEqual(hostResolvConf(host, { ...nothing, search: ["."] }), { ...host, search: [] });
});

test("a nameserver that is no address is named", () => {
  const asked = { ...nothing, nameservers: ["dns.example"] };
  assert.throws(() => sandboxResolvConf({ host, network: nothing, asked, ipv6: false }), /"dns.example"/);
});
