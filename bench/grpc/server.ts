// SPDX-License-Identifier: Apache-2.0
// A process that serves two calls of the CRI: node server.ts STACK SOCKET. Says "ready" to its parent, and tells it the
// processor time it took, in milliseconds, for each message from there.

import { createServer } from "node:http2";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { serveGrpc } from "../../src/api/cri/grpc/serve.ts";
import { grpcService, type ServiceHandlers } from "../../src/api/cri/grpc/service.ts";
import { silentLogger } from "../../src/base/log.ts";
import { RuntimeService } from "../../src/gen/runtime/v1/api_pb.js";
import { listContainers, version } from "./answers.ts";

const [stack, socket = ""] = process.argv.slice(2);

if (stack === "connect") {
  const handler = connectNodeAdapter({
    routes: (router) => router.service(RuntimeService, { version, listContainers }),
    connect: false,
    grpcWeb: false,
  });
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(socket, resolve));
} else {
  const handlers = { version, listContainers } as unknown as ServiceHandlers<typeof RuntimeService>;
  await serveGrpc({
    socket,
    services: [grpcService(RuntimeService, handlers)],
    logger: silentLogger,
    shutdownSignal: new AbortController().signal,
  });
}

process.on("message", () => {
  const { user, system } = process.cpuUsage();
  process.send?.((user + system) / 1000);
});
process.on("disconnect", () => process.exit());
process.send?.("ready");
