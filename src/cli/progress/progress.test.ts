// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { test } from "node:test";
import { createProgress, describe, type ProgressEvent } from "./progress.ts";

const layer = "a1b2c3d4e5f6";

const described: readonly (readonly [ProgressEvent, number, string])[] = [
  [{ status: "Status: image is up to date" }, 200, "Status: image is up to date"],
  [{ id: layer, status: "Pulling fs layer" }, 200, `${layer}: Pulling fs layer`],
  [
    { id: layer, status: "Downloading", current: 1_200_000, total: 5_600_000 },
    200,
    `${layer}: Downloading [==========>${" ".repeat(40)}]    1.2MB/5.6MB`,
  ],
  [
    { id: layer, status: "Downloading", current: 1_200_000, total: 5_600_000 },
    110,
    `${layer}: Downloading    1.2MB/5.6MB`,
  ],
  [
    { id: layer, status: "Extracting", current: 10, total: 10 },
    111,
    `${layer}: Extracting [${"=".repeat(50)}>]      10B/10B`,
  ],
  [
    { id: layer, status: "Extracting", current: 12, total: 10 },
    111,
    `${layer}: Extracting [${"=".repeat(50)}>]      12B`,
  ],
  [{ id: layer, status: "Pushing", current: 1_234_567 }, 200, `${layer}: Pushing  1.235MB`],
  [{ id: layer, status: "Waiting", current: 0, total: 0 }, 200, `${layer}: Waiting`],
];

for (const [event, columns, expected] of described) {
  test(`${columns} columns: ${JSON.stringify(event)}`, () => {
    assert.equal(describe(event, columns), expected);
  });
}

const pull: readonly ProgressEvent[] = [
  { status: "latest: Pulling from library/busybox" },
  { id: "aaa", status: "Pulling fs layer" },
  { id: "bbb", status: "Pulling fs layer" },
  { id: "bbb", status: "Downloading", current: 1000, total: 2000 },
  { id: "bbb", status: "Downloading", current: 2000, total: 2000 },
  { id: "aaa", status: "Pull complete" },
  { id: "bbb", status: "Pull complete" },
  { status: "Digest: sha256:1234" },
];

test("elsewhere than on a terminal each change of status is one line", () => {
  let text = "";
  const progress = createProgress({ write: (part) => (text += part) });
  for (const event of pull) progress.show(event);
  assert.equal(
    text,
    [
      "latest: Pulling from library/busybox",
      "aaa: Pulling fs layer",
      "bbb: Pulling fs layer",
      "bbb: Downloading",
      "aaa: Pull complete",
      "bbb: Pull complete",
      "Digest: sha256:1234",
      "",
    ].join("\n"),
  );
});

/** The screen after the text: enough of a terminal for the movements that progress makes. */
function render(text: string, columns: number): readonly string[] {
  const screen: string[] = [""];
  let row = 0;
  let column = 0;
  for (const [part, up, down] of text.replaceAll("\u001b[", "␛").matchAll(/␛(?:(\d+)A|(\d+)B|2K)|[\s\S]/g)) {
    if (up !== undefined) row -= Number(up);
    else if (down !== undefined) row = Math.min(row + Number(down), screen.length - 1);
    else if (part === "␛2K") screen[row] = "";
    else if (part === "\r") column = 0;
    else if (part === "\n") {
      row++;
      column = 0;
      if (row === screen.length) screen.push("");
    } else {
      if (column === columns) {
        row++;
        column = 0;
        if (row === screen.length) screen.push("");
      }
      screen[row] = (screen[row] ?? "").padEnd(column).slice(0, column) + part;
      column++;
    }
    assert.ok(row >= 0, "the cursor left the screen");
  }
  return screen;
}

for (const columns of [200, 80, 20]) {
  test(`on a terminal of ${columns} columns each layer keeps its line`, () => {
    let text = "";
    const progress = createProgress({ write: (part) => (text += part), isTTY: true, columns });
    for (const event of pull.slice(0, 4)) progress.show(event);
    const downloading = describe(pull[3] as ProgressEvent, columns).slice(0, columns - 1);
    assert.deepEqual(render(text, columns).slice(-3), ["aaa: Pulling fs layer".slice(0, columns - 1), downloading, ""]);
    for (const event of pull.slice(4)) progress.show(event);
    assert.deepEqual(render(text, columns).slice(-4), [
      "aaa: Pull complete",
      "bbb: Pull complete",
      "Digest: sha256:1234",
      "",
    ]);
  });
}

test("a resize counts from the next line on", () => {
  let text = "";
  const output = { write: (part: string) => (text += part), isTTY: true, columns: 200 };
  const progress = createProgress(output);
  progress.show({ id: layer, status: "Downloading", current: 1, total: 2 });
  assert.match(text, /=>/);
  text = "";
  output.columns = 60;
  progress.show({ id: layer, status: "Downloading", current: 1, total: 2 });
  assert.doesNotMatch(text, /=>/);
});
