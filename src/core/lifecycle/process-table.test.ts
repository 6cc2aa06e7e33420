// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { test } from "node:test";
import { parseProcessTable } from "./process-table.ts";

test("keeps the rows of these processes, and commands with spaces in one field", () => {
  const text = "UID    PID CMD\nroot     1 init\n1000    17   sh -c  true\nroot   171 sh\n";
  assert.deepEqual(parseProcessTable(text, [17, 171]), {
    titles: ["UID", "PID", "CMD"],
    processes: [
      ["1000", "17", "sh -c true"],
      ["root", "171", "sh"],
    ],
  });
  assert.deepEqual(parseProcessTable(text, []).processes, []);
});

test("takes a number for a process only where the ids are", () => {
  const text = "  PID  PPID CMD\n    5     1 a\n    6     5 b\n";
  assert.deepEqual(parseProcessTable(text, [5]).processes, [["5", "1", "a"]]);
});

test("refuses what has no column of process ids", () => {
  for (const text of ["", "CMD\nsh\n", "procps-ng 4.0\n"]) {
    assert.throws(() => parseProcessTable(text, [1]), {
      code: "invalid-argument",
      message: "couldn't find PID field in ps output",
    });
  }
});
