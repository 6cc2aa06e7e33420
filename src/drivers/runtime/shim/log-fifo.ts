// SPDX-License-Identifier: Apache-2.0
// A shim's own log: a FIFO named log in its directory, drained into ours from before the shim starts. It is opened for
// reading and writing, so that it never ends while the shim's helpers come and go, nor fails a shim whose daemon is away.

import { constants, openSync } from "node:fs";
import { Socket } from "node:net";
import { join } from "node:path";
import { hasCode, messageOf } from "../../../base/errors.ts";
import type { Logger } from "../../../base/log.ts";
import { makeFifo } from "../../../linux/ffi/fifo.ts";

/** How much of a line that never ends is kept, in characters. */
const longestLine = 64 * 1024;

/** Makes the FIFO if need be and logs every line that comes; dispose to stop. */
export function drainShimLog(directory: string, logger: Logger): Disposable {
  const path = join(directory, "log");
  try {
    makeFifo(path, 0o600);
  } catch (error) {
    if (!hasCode(error, "already-exists")) throw error;
  }
  const fd = openSync(path, constants.O_RDWR | constants.O_NONBLOCK); // the socket closes it
  const socket = new Socket({ fd, readable: true, writable: false });
  let rest = "";
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = (lines.pop() ?? "").slice(-longestLine);
    for (const line of lines) logLine(line, logger);
  });
  socket.on("error", (error) => logger.warn({ error: messageOf(error) }, "the shim's log cannot be read"));
  return { [Symbol.dispose]: () => void socket.destroy() };
}

/** Lines of shims are logrus text: time="…" level=info msg="…" …. Most are of no interest to an operator. */
function logLine(line: string, logger: Logger): void {
  if (line === "") return;
  const level = /\blevel=(\w+)/.exec(line)?.[1];
  const fields = { shim: line };
  if (level === "error" || level === "fatal" || level === "panic") logger.warn(fields, "the shim reports an error");
  else logger.debug(fields, "the shim says");
}
