// SPDX-License-Identifier: Apache-2.0
// testdata/cases.jsonl holds what Go's text/template with Docker's functions makes of each template and container.json.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { isEngineError, messageOf } from "../../../base/errors.ts";
import { parseTemplate } from "./template.ts";
import { struct } from "./values.ts";

interface Case {
  readonly template: string;
  readonly missingKey?: "error";
  readonly output?: string;
  readonly error?: string;
}

const read = (name: string) => readFileSync(path.join(import.meta.dirname, "testdata", name), "utf8");
const container = JSON.parse(read("container.json")) as unknown;
const cases = read("cases.jsonl")
  .trim()
  .split("\n")
  .map((line) => JSON.parse(line) as Case);

function attempt(template: string, value: unknown, missingKey: "print" | "error" = "print"): string {
  try {
    return parseTemplate(template).execute(value, { missingKey });
  } catch (error) {
    assert.ok(isEngineError(error), String(error));
    return `error: ${messageOf(error)}`;
  }
}

for (const { template, missingKey, output, error } of cases) {
  test(`as Go: ${JSON.stringify(template)}${missingKey === undefined ? "" : ", missing keys are errors"}`, () => {
    assert.equal(attempt(template, container, missingKey), output ?? `error: ${error}`);
  });
}

const row = struct("*formatter.ContainerContext", {
  ID: "3f2a9c",
  Names: "web,db",
  Labels: "a=1,b=2",
  Size: 12n,
  Label: (name: string) => (name === "a" ? "1" : ""),
  Networks: ["app", "bridge"],
});

const rowCases = [
  ["{{.ID}}: {{.Names}}", "3f2a9c: web,db"],
  ['{{.Label "a"}}|{{.Label "c"}}|{{"a" | .Label}}', "1||1"],
  ['{{join .Networks "+"}}', "app+bridge"],
  ["{{json .}}", '{"ID":"3f2a9c","Names":"web,db","Labels":"a=1,b=2","Size":12,"Networks":["app","bridge"]}'],
  ["{{.}}", "{3f2a9c web,db a=1,b=2 12 [app bridge]}"],
  ["{{if eq .Size 12}}equal{{end}}", "equal"],
  [
    "{{.Foo}}",
    `error: template: :1:2: executing "" at <.Foo>: can't evaluate field Foo in type *formatter.ContainerContext`,
  ],
  ["{{.Label}}", 'error: template: :1:2: executing "" at <.Label>: wrong number of args for Label: want 1 got 0'],
  ['{{.ID "x"}}', 'error: template: :1:2: executing "" at <.ID>: ID has arguments but cannot be invoked as function'],
  [
    "a\n  {{.Foo}}",
    `error: template: :2:4: executing "" at <.Foo>: can't evaluate field Foo in type *formatter.ContainerContext`,
  ],
  ["{{\n.ID", "error: template parsing error: template: :2: unclosed action"],
] as const;

for (const [template, expected] of rowCases) {
  test(`a row: ${JSON.stringify(template)}`, () => {
    assert.equal(attempt(template, row), expected);
  });
}

test("a Map is a map with sorted keys", () => {
  const labels = new Map([
    ["b", 2],
    ["a", 1],
  ]);
  assert.equal(
    attempt("{{.}} {{json .}} {{.b}} {{.c}} {{len .}}", labels),
    'map[a:1 b:2] {"a":1,"b":2} 2 <no value> 2',
  );
});

test("a header keeps the column's name whatever the functions do to values", () => {
  const headers = { ID: "CONTAINER ID", Labels: "LABELS" };
  const template = '{{upper .ID}}\t{{truncate .ID 3}}\t{{join .Labels ","}}\t{{json .ID}}\t{{pad .ID 1 1}}';
  assert.equal(
    parseTemplate(template).executeHeader(headers),
    "CONTAINER ID\tCONTAINER ID\tLABELS\tCONTAINER ID\t CONTAINER ID ",
  );
});

test("text without braces comes back as it is", () => {
  fc.assert(
    fc.property(
      fc.string().filter((text) => !text.includes("{{")),
      (text) => {
        assert.equal(attempt(text, {}), text);
      },
    ),
  );
});

test("a quoted constant prints itself", () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[ -~]*$/), (text) => {
      assert.equal(attempt(`{{${JSON.stringify(text)}}}`, {}), text);
    }),
  );
});

test("whatever is written, the answer is text or an error of ours", () => {
  const words = [
    "{{",
    "}}",
    "{{-",
    "-}}",
    " ",
    ".",
    ".Id",
    "$x",
    ":=",
    "if",
    "else",
    "end",
    "range",
    "with",
    "(",
    ")",
    "|",
  ];
  const more = ['"a"', "1", "json", "index", "eq", ",", "=", "nil", "/*", "*/", "'", "\n", "printf", "break", "é"];
  fc.assert(
    fc.property(fc.array(fc.constantFrom(...words, ...more), { maxLength: 14 }), (parts) => {
      attempt(parts.join(""), container);
    }),
    { numRuns: 3000 },
  );
});
