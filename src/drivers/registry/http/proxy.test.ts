// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { proxyFor } from "./proxy.ts";

const environment = { HTTP_PROXY: "http://plain:1", HTTPS_PROXY: "secure:2", https_proxy: "" };

test("the scheme decides between the proxies, lower case wins, and a bare host is http", () => {
  assert.equal(proxyFor(new URL("http://a.example"), environment)?.href, "http://plain:1/");
  assert.equal(proxyFor(new URL("https://a.example"), environment)?.href, "http://secure:2/");
  assert.equal(proxyFor(new URL("https://a.example"), { ...environment, https_proxy: "http://low:3" })?.host, "low:3");
  assert.equal(proxyFor(new URL("https://a.example"), {}), undefined);
});

const exceptions: readonly (readonly [noProxy: string, url: string, direct: boolean])[] = [
  ["", "https://localhost:5000", true],
  ["", "https://127.9.9.9", true],
  ["", "http://[::1]:5000", true],
  ["*", "https://a.example", true],
  ["a.example", "https://a.example", true],
  ["a.example", "https://b.a.example", true],
  ["a.example", "https://ba.example", false],
  [".a.example", "https://b.a.example", true],
  [".a.example", "https://a.example", false],
  ["*.a.example", "https://b.a.example", true],
  ["A.Example", "https://a.example", true],
  ["x, a.example", "https://a.example", true],
  ["a.example:443", "https://a.example", true],
  ["a.example:5000", "https://a.example", false],
  ["10.1.2.3", "https://10.1.2.3", true],
  ["10.0.0.0/8", "https://10.1.2.3", true],
  ["10.0.0.0/8", "https://11.1.2.3", false],
  ["10.0.0.0/8", "https://a.example", false],
  ["fd00::/8", "https://[fd00::1]", true],
  ["fd00::1", "https://[fd00::1]:5000", true],
  ["10.0.0.0/99", "https://10.1.2.3", false],
];

for (const [noProxy, url, direct] of exceptions) {
  test(`NO_PROXY=${noProxy} ${direct ? "excepts" : "does not except"} ${url}`, () => {
    const proxy = proxyFor(new URL(url), { ...environment, NO_PROXY: noProxy });
    assert.equal(proxy === undefined, direct);
  });
}
