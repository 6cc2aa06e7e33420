// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatRows } from "./rows.ts";

const description = {
  typeName: "*formatter.ContainerContext",
  headers: { ID: "CONTAINER ID", Image: "IMAGE", Names: "NAMES", Labels: "LABELS" },
  defaultFormat: "table {{.ID}}\t{{.Image}}\t{{.Names}}",
};
const rows = [
  { ID: "3f2a9c1b5d7e", Image: "busybox:1.36", Names: "web", Labels: "a=1" },
  { ID: "77aa00bb11cc", Image: "nginx", Names: "db,alias", Labels: "" },
];

const cases = [
  {
    format: "",
    expected:
      "CONTAINER ID   IMAGE          NAMES\n3f2a9c1b5d7e   busybox:1.36   web\n77aa00bb11cc   nginx          db,alias\n",
  },
  { format: "table {{.Names}}", expected: "NAMES\nweb\ndb,alias\n" },
  {
    format: "table {{.ID}}\\t{{upper .Names}}",
    expected: "CONTAINER ID   NAMES\n3f2a9c1b5d7e   WEB\n77aa00bb11cc   DB,ALIAS\n",
  },
  {
    format: "table {{.ID}}: {{truncate .Names 2}}",
    expected: "CONTAINER ID: NAMES\n3f2a9c1b5d7e: we\n77aa00bb11cc: db\n",
  },
  { format: "{{.ID}}\\t{{.Names}}", expected: "3f2a9c1b5d7e\tweb\n77aa00bb11cc\tdb,alias\n" },
  { format: "{{.Names}}{{if .Labels}} ({{.Labels}}){{end}}", expected: "web (a=1)\ndb,alias\n" },
  {
    format: "json",
    expected:
      '{"ID":"3f2a9c1b5d7e","Image":"busybox:1.36","Names":"web","Labels":"a=1"}\n' +
      '{"ID":"77aa00bb11cc","Image":"nginx","Names":"db,alias","Labels":""}\n',
  },
  { format: "name", expected: "name\nname\n" },
];

for (const { format, expected } of cases) {
  test(`--format ${JSON.stringify(format)}`, () => {
    assert.equal(formatRows(rows, format, description), expected);
  });
}

test("--format table is the default table", () => {
  assert.equal(formatRows(rows, "table", description), formatRows(rows, "", description));
});

test("without rows a table is its header and anything else nothing", () => {
  assert.equal(formatRows([], "", description), "CONTAINER ID   IMAGE     NAMES\n");
  assert.equal(formatRows([], "{{.ID}}", description), "");
});

test("an unknown field is an error that names the type", () => {
  assert.throws(() => formatRows(rows, "table {{.Nope}}", description), {
    code: "invalid-argument",
    message:
      'failed to execute template: template: :1:2: executing "" at <.Nope>: ' +
      "can't evaluate field Nope in type *formatter.ContainerContext",
  });
});

test("a template that cannot be read is refused also without rows", () => {
  assert.throws(() => formatRows([], "{{.ID", description), {
    code: "invalid-argument",
    message: "template parsing error: template: :1: unclosed action",
  });
});
