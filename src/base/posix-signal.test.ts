// SPDX-License-Identifier: Apache-2.0

import assert from "node:assert/strict";
import { constants } from "node:os";
import { test } from "node:test";
import { parsePosixSignal, posixSignalName, sigkill, sigterm } from "./posix-signal.ts";

test("has the numbers of this machine", () => {
  for (const [name, number] of Object.entries(constants.signals)) {
    assert.equal(parsePosixSignal(name), number, name);
    assert.equal(parsePosixSignal(name.slice(3).toLowerCase()), number, name);
  }
  assert.equal(sigkill, constants.signals.SIGKILL);
  assert.equal(sigterm, constants.signals.SIGTERM);
});

test("reads numbers and real-time signals", () => {
  for (const [text, number] of [
    ["9", 9],
    [" term ", 15],
    ["1", 1],
    ["64", 64],
    ["RTMIN", 34],
    ["SIGRTMIN+3", 37],
    ["rtmax-1", 63],
    ["RTMAX", 64],
    ["CLD", 17],
  ] as const) {
    assert.equal(parsePosixSignal(text), number, text);
  }
});

test("refuses what is no signal", () => {
  for (const text of ["", "0", "65", "-1", "1.5", "SIG", "NOPE", "RTMIN+31", "RTMAX+1", "RTMIN-1", "RTMAX-99", "9x"]) {
    assert.throws(() => parsePosixSignal(text), { code: "invalid-argument", message: `invalid signal: ${text}` });
  }
});

test("every signal has a name by which it is found again", () => {
  for (let number = 1; number <= 64; number++) {
    assert.equal(parsePosixSignal(posixSignalName(parsePosixSignal(String(number)))), number);
  }
  assert.equal(posixSignalName(sigterm), "SIGTERM");
  assert.equal(posixSignalName(parsePosixSignal("36")), "SIGRTMIN+2");
  assert.equal(posixSignalName(parsePosixSignal("32")), "32");
});
