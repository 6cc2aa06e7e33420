// SPDX-License-Identifier: Apache-2.0

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import path from "node:path";
import { type Measurement, summary } from "./interleave.ts";

/** From the start of the command to the first byte of its first request. */
export async function measureCliStart(options: {
  readonly checkout: string;
  readonly directory: string;
  readonly rounds: number;
}): Promise<Measurement> {
  const socket = path.join(options.directory, "start.sock");
  const server = createServer();
  server.listen(socket);
  await once(server, "listening");
  const times: number[] = [];
  try {
    for (let round = 0; round <= options.rounds; round++) {
      const started = performance.now();
      const child = spawn(
        path.join(options.checkout, "bin/berth"),
        ["--host", `unix://${socket}`, "run", "--rm", "none"],
        {
          stdio: "ignore",
        },
      );
      const exited = once(child, "exit");
      const [connection] = (await once(server, "connection")) as [import("node:net").Socket];
      await once(connection, "data");
      if (round > 0) times.push(performance.now() - started);
      child.kill("SIGKILL");
      await exited;
      connection.destroy();
    }
  } finally {
    server.close();
  }
  return { name: "berth: start to first request", isReference: false, ...summary(times) };
}
