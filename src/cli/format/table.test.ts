// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { alignColumns } from "./table.ts";

test("columns are at least ten wide, three spaces apart, and the last one is not padded", () => {
  const rows = [
    ["CONTAINER ID", "ID", "NAMES"],
    ["3f2a9c1b5d7e", "1", "web"],
    ["x", "2", "a-much-longer-name"],
  ];
  assert.equal(
    alignColumns(rows.map((cells) => cells.join("\t")).join("\n")),
    [
      "CONTAINER ID   ID        NAMES",
      "3f2a9c1b5d7e   1         web",
      "x              2         a-much-longer-name",
    ].join("\n"),
  );
});

const cases = [
  { name: "nothing", text: "", expected: "" },
  { name: "no tabs", text: "a\nb\n", expected: "a\nb\n" },
  { name: "an empty last cell leaves its column's spaces", text: "REPOSITORY\t\n", expected: "REPOSITORY   \n" },
  {
    name: "code points, not bytes",
    text: "épée-épée-é\tx\nabcdefghijk\ty\n",
    expected: "épée-épée-é   x\nabcdefghijk   y\n",
  },
  {
    name: "a line without the column ends it",
    text: "long-long-long\tx\nbreak\nshort\ty\n",
    expected: "long-long-long   x\nbreak\nshort     y\n",
  },
];

for (const { name, text, expected } of cases) {
  test(`alignColumns: ${name}`, () => {
    assert.equal(alignColumns(text), expected);
  });
}
