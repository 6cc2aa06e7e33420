// SPDX-License-Identifier: Apache-2.0
// A plugin in the test's own process, for what the stub of the Go module never does, and for many of them.

import { once } from "node:events";
import { createConnection } from "node:net";
import { silentLogger } from "../../../src/base/log.ts";
import { Plugin, Runtime } from "../../../src/gen/nri/pkg/api/v1alpha1/api_pb.js";
import { type TtrpcClient, ttrpcClientOn } from "../../../src/host/ttrpc/client.ts";
import { Multiplexer } from "../../../src/host/ttrpc/multiplex.ts";
import { type Handlers, TtrpcServer } from "../../../src/host/ttrpc/server.ts";
import { type ModelEngine, signal } from "./model-engine.ts";

/** A plugin of our own, without Go. */
export interface OwnPlugin extends AsyncDisposable {
  /** Asks the runtime. */
  readonly runtime: TtrpcClient;
  /** Resolves when the engine has sent it away. */
  readonly gone: Promise<unknown>;
}

/** A plugin with just these handlers, registered. */
export async function connectOwn(engine: ModelEngine, handlers: Handlers<typeof Plugin>): Promise<OwnPlugin> {
  const socket = createConnection({ path: engine.socket });
  const gone = once(socket, "close");
  const multiplexer = new Multiplexer(socket);
  const server = new TtrpcServer({ logger: silentLogger });
  server.serve(Plugin, { configure: async () => ({ events: 0 }), synchronize: async () => ({}), ...handlers });
  server.accept(multiplexer.open(1));
  const runtime = ttrpcClientOn(multiplexer.open(2), "the engine");
  multiplexer.start();
  await runtime.call(Runtime.method.registerPlugin, { pluginName: "own", pluginIdx: "50" }, { signal });
  return {
    runtime,
    gone,
    async [Symbol.asyncDispose]() {
      await runtime[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}
