// SPDX-License-Identifier: Apache-2.0
// One shim: the server process that holds the tasks of one sandbox and outlives the daemon. It has a directory of its own,
// so that the bundles of its tasks may go in any order. A broken connection is made again; a shim that nobody can connect
// to is dead, and whoever waits on it is told with unavailable.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DescMessage, DescMethodUnary, MessageInitShape, MessageShape } from "@bufbuild/protobuf";
import { hasCode, unavailable } from "../../../base/errors.ts";
import { failpoint } from "../../../base/failpoint.ts";
import { KeyedLock } from "../../../base/keyed-lock.ts";
import type { Logger } from "../../../base/log.ts";
import type { RuntimeHandler } from "../../../core/tasks/task-runtime.ts";
import { findExecutable } from "../../../host/find-executable.ts";
import { connectTtrpc, type TtrpcClient } from "../../../host/ttrpc/client.ts";
import type { CgroupLayout } from "../../../linux/cgroup/layout.ts";
import { identifyProcess } from "../../../linux/process/process-identity.ts";
import { type Layout, makeDirectory, type ShimRecord, writeRecord } from "./bundle.ts";
import { launchShim } from "./launch.ts";
import { drainShimLog } from "./log-fifo.ts";
import { removeShim } from "./remove-shim.ts";
import { type TaskMethods, taskMethods } from "./task-methods.ts";

/** What all shims of one daemon have in common. */
export interface ShimEnvironment {
  readonly layout: Layout;
  /** Of this machine: it does not change while the daemon runs. */
  readonly cgroups: CgroupLayout;
  readonly logger: Logger;
  readonly namespace: string;
  readonly eventSocketPath: string;
}

const connectMs = 5_000;
/** A unix socket's path has 107 bytes; a shim's socket is named by 64 digits. */
const longestSocketDirectory = 107 - 65;

/** Groups tasks: containerd's CRI and shims know a sandbox by it. */
const sandboxAnnotation = "io.kubernetes.cri.sandbox-id";

/** The record of a shim that runs. */
export type RunningShimRecord = ShimRecord & { readonly socket: string };

export class Shim implements Disposable {
  readonly record: RunningShimRecord;
  /**
   * Taken while an exec is started. A shim starts one after the other anyway, but when many wait in it for their turn,
   * the exits that it must handle meanwhile wait behind them, and it slows down to one exec a second.
   */
  readonly execTurn = new KeyedLock();
  /** Its Task service's methods. */
  readonly method: TaskMethods;
  readonly #log: Disposable;
  #client: Promise<TtrpcClient>;

  constructor(record: RunningShimRecord, client: Promise<TtrpcClient>, log: Disposable) {
    this.record = record;
    this.#client = client;
    this.#log = log;
    this.method = taskMethods(record.version ?? 2);
  }

  get sandboxId(): string {
    return this.record.sandboxId;
  }

  get handler(): RuntimeHandler {
    return this.record.handler;
  }

  /** Calls the Task service; connects again when the connection was lost. */
  async call<I extends DescMessage, O extends DescMessage>(
    method: DescMethodUnary<I, O>,
    request: MessageInitShape<I>,
    { signal, timeoutMs }: { readonly signal: AbortSignal; readonly timeoutMs?: number },
  ): Promise<MessageShape<O>> {
    const client = await this.#connected(signal);
    return await client.call(method, request, { signal, ...(timeoutMs !== undefined && { timeoutMs }) });
  }

  /** Makes sure that there is a connection; unavailable when nobody answers any more. */
  async connect({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#connected(signal);
  }

  /** Asks the shim to end, which it does not while it has tasks. */
  async shutdown({ signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.call(this.method.shutdown, { id: this.sandboxId }, { signal });
  }

  /** Lets go of the shim, which goes on running. */
  [Symbol.dispose](): void {
    this.#log[Symbol.dispose]();
    // A connection that could not be made needs no closing.
    void this.#client.then((client) => client[Symbol.asyncDispose]()).catch(() => {});
  }

  async #connected(signal: AbortSignal): Promise<TtrpcClient> {
    const client = await this.#client;
    if (!client.ended) return client;
    // The first to see the loss starts the new connection, for all.
    this.#client = this.#reconnect(client, signal);
    return await this.#client;
  }

  async #reconnect(lost: TtrpcClient, signal: AbortSignal): Promise<TtrpcClient> {
    try {
      return await connectTtrpc(this.record.socket, { signal });
    } catch (cause) {
      this.#client = Promise.resolve(lost); // so that the next one tries again
      if (!hasCode(cause, "unavailable")) throw cause;
      throw unavailable(`the shim of sandbox ${this.sandboxId} is gone`, cause);
    }
  }
}

/** Starts the shim of a sandbox and connects to it. Undoes itself when it fails. */
export async function startShim(
  environment: ShimEnvironment,
  { sandboxId, handler }: { readonly sandboxId: string; readonly handler: RuntimeHandler },
  { signal }: { readonly signal: AbortSignal },
): Promise<Shim> {
  const { layout, logger } = environment;
  const executable = findExecutable(handler.shim);
  const directory = layout.shim(sandboxId);
  await using undo = new AsyncDisposableStack();
  undo.defer(() => removeShim(environment, sandboxId));
  makeDirectory(directory);
  writeRecord(directory, "shim.json", { sandboxId, handler } satisfies ShimRecord);
  writeShimConfig(directory, sandboxId);
  const log = undo.use(drainShimLog(directory, logger.child({ sandbox: sandboxId })));
  const usable = Buffer.byteLength(layout.sockets) <= longestSocketDirectory;
  const launch = {
    executable,
    directory,
    id: sandboxId,
    namespace: environment.namespace,
    eventSocketPath: environment.eventSocketPath,
    owner: layout.state,
    socketDirectory: usable ? layout.sockets : undefined,
  };
  const { socket, version } = await launchShim(launch, { signal });
  await failpoint("runtime/shim:launched");
  const client = undo.use(await connectTtrpc(socket, { signal }));
  const { shimPid } = await client.call(taskMethods(version).connect, { id: sandboxId }, { signal });
  const process = await identifyProcess(shimPid);
  if (process === undefined) throw unavailable(`the shim of sandbox ${sandboxId} ended at once`);
  const record = { sandboxId, handler, socket, version, process };
  writeRecord(directory, "shim.json", record satisfies ShimRecord);
  undo.move();
  return new Shim(record, Promise.resolve(client), log);
}

/** Connects to a shim that an earlier daemon started; unavailable when it is gone. */
export async function attachShim(
  environment: ShimEnvironment,
  record: ShimRecord,
  { signal }: { readonly signal: AbortSignal },
): Promise<Shim> {
  const { sandboxId, socket } = record;
  if (socket === undefined) throw unavailable(`the shim of sandbox ${sandboxId} was never started`);
  using undo = new DisposableStack();
  const logger = environment.logger.child({ sandbox: sandboxId });
  const log = undo.use(drainShimLog(environment.layout.shim(sandboxId), logger));
  const client = await connectTtrpc(socket, { signal: AbortSignal.any([signal, AbortSignal.timeout(connectMs)]) });
  undo.move();
  return new Shim({ ...record, socket }, Promise.resolve(client), log);
}

/** The least configuration from which a shim learns what groups its tasks. */
function writeShimConfig(directory: string, sandboxId: string): void {
  const config = { ociVersion: "1.0.0", annotations: { [sandboxAnnotation]: sandboxId } };
  writeFileSync(join(directory, "config.json"), JSON.stringify(config), { mode: 0o600 });
}
