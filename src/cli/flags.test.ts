// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { integer, list, parseArguments, text, toggle, value, values } from "./flags.ts";

const table = {
  detach: toggle("", { short: "d" }),
  interactive: toggle("", { short: "i" }),
  tty: toggle("", { short: "t" }),
  proxy: toggle("", { initial: true }),
  env: list("", { short: "e" }),
  name: text("", { short: "n", aliases: ["called"] }),
  count: value("", integer, { short: "c", placeholder: "int" }),
  both: values("", (given) => given.split(",")),
};

function parse(line: string, { interspersed = false } = {}) {
  return parseArguments(table, line === "" ? [] : line.split(" "), { interspersed });
}

test("flags in all the forms that they are written in", () => {
  const defaults = parse("").flags;
  for (const [line, expected] of [
    ["", {}],
    ["-dit", { detach: true, interactive: true, tty: true }],
    ["--tty --detach=false", { tty: true, detach: false }],
    ["--tty=0 -i=true", { tty: false, interactive: true }],
    ["--proxy=false", { proxy: false }],
    ["-e A=1 -eB=2 --env C --env=D=", { env: ["A=1", "B=2", "C", "D="] }],
    ["-de A", { detach: true, env: ["A"] }],
    ["--name a --called=b", { name: "b" }],
    ["--name=", { name: "" }],
    ["-n=x", { name: "x" }],
    ["-c -3", { count: -3 }],
    ["--both a,b --both c", { both: ["a", "b", "c"] }],
  ] as const) {
    assert.deepEqual(parse(line).flags, { ...defaults, ...expected }, line);
  }
});

test("flags end at the first argument, at -- or nowhere", () => {
  assert.deepEqual(parse("-d image -t --name x").args, ["image", "-t", "--name", "x"]);
  assert.deepEqual(parse("-d -- -t x").args, ["-t", "x"]);
  assert.deepEqual(parse("a -d b", { interspersed: true }).args, ["a", "b"]);
  assert.deepEqual(parse("a -- -d", { interspersed: true }).args, ["a", "-d"]);
  assert.deepEqual(parse("-d - x").args, ["-", "x"]);
});

test("what was given is known apart from what is the default", () => {
  assert.deepEqual([...parse("--proxy=true -n a").given], ["proxy", "name"]);
});

test("flags that are wrong", () => {
  for (const [line, message] of [
    ["--foo", "unknown flag: --foo"],
    ["--foo=1", "unknown flag: --foo"],
    ["-dx", "unknown shorthand flag: 'x' in -dx"],
    ["--name", "flag needs an argument: --name"],
    ["-dn", "flag needs an argument: 'n' in -dn"],
    ["-c x", 'invalid argument "x" for "-c, --count" flag: strconv.ParseInt: parsing "x": invalid syntax'],
    [
      "--proxy=maybe",
      'invalid argument "maybe" for "--proxy" flag: strconv.ParseBool: parsing "maybe": invalid syntax',
    ],
  ] as const) {
    assert.throws(() => parse(line), { name: "UsageError", message }, line);
  }
});
