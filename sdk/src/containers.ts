// SPDX-License-Identifier: Apache-2.0
// Containers, as a program sees them.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Client, createClient, type Transport } from "@connectrpc/connect";
import {
  type Container,
  type ContainerConfigSchema,
  ContainerService,
  type ExecConfigSchema,
  type LogEntry,
  type LogsRequestSchema,
} from "../../src/gen/berth/engine/v1/container_pb.js";
import { type AttachedStreams, openAttach } from "./attach.ts";
import { BerthError } from "./errors.ts";
import { type ExecStreams, openExec } from "./exec.ts";
import { responsesOf } from "./responses.ts";

/** What to run and how; every field but image may be left out. */
export type ContainerOptions = MessageInitShape<typeof ContainerConfigSchema>;
export type ExecOptions = MessageInitShape<typeof ExecConfigSchema>;
export type LogOptions = Omit<MessageInitShape<typeof LogsRequestSchema>, "container" | "$typeName">;

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

export interface ContainerExit {
  readonly exitCode: number;
  readonly error: string;
}

/** A wait that the daemon knows of already: nothing that happens from now on is missed. */
export interface ContainerWait {
  readonly exit: Promise<ContainerExit>;
}

export type WaitCondition = "not-running" | "next-exit" | "removed";

export class Containers {
  readonly #client: Client<typeof ContainerService>;

  constructor(transport: Transport) {
    this.#client = createClient(ContainerService, transport);
  }

  /** not-found when the image is not here: pull it and try again. */
  async create(
    config: ContainerOptions,
    options: CallOptions & { readonly name?: string } = {},
  ): Promise<{ readonly id: string; readonly warnings: readonly string[] }> {
    return await this.#client.create({ name: options.name ?? "", config }, call(options));
  }

  async start(container: string, options: CallOptions = {}): Promise<{ readonly alreadyRunning: boolean }> {
    return await this.#client.start({ container }, call(options));
  }

  /** timeoutSeconds: how long it may take before it is killed; -1 waits for ever. */
  async stop(
    container: string,
    options: CallOptions & {
      readonly timeoutSeconds?: number | undefined;
      readonly posixSignal?: string | undefined;
    } = {},
  ): Promise<{ readonly alreadyStopped: boolean }> {
    return await this.#client.stop(
      {
        container,
        ...(options.timeoutSeconds !== undefined && { timeoutSeconds: options.timeoutSeconds }),
        ...(options.posixSignal !== undefined && { signal: options.posixSignal }),
      },
      call(options),
    );
  }

  async kill(container: string, options: CallOptions & { readonly posixSignal?: string } = {}): Promise<void> {
    await this.#client.kill({ container, signal: options.posixSignal ?? "KILL" }, call(options));
  }

  /** Stops it, as stop does, and starts it; one that does not run is started. */
  async restart(
    container: string,
    options: CallOptions & {
      readonly timeoutSeconds?: number | undefined;
      readonly posixSignal?: string | undefined;
    } = {},
  ): Promise<void> {
    await this.#client.restart(
      {
        container,
        ...(options.timeoutSeconds !== undefined && { timeoutSeconds: options.timeoutSeconds }),
        ...(options.posixSignal !== undefined && { signal: options.posixSignal }),
      },
      call(options),
    );
  }

  /** Its processes stand still until unpause, or until they are stopped. */
  async pause(container: string, options: CallOptions = {}): Promise<void> {
    await this.#client.pause({ container }, call(options));
  }

  async unpause(container: string, options: CallOptions = {}): Promise<void> {
    await this.#client.unpause({ container }, call(options));
  }

  async rename(container: string, newName: string, options: CallOptions = {}): Promise<void> {
    await this.#client.rename({ container, newName }, call(options));
  }

  /** Its processes, in ps's words; parameters are ps's, -ef when there are none. */
  async top(
    container: string,
    options: CallOptions & { readonly parameters?: readonly string[] } = {},
  ): Promise<{ readonly titles: readonly string[]; readonly processes: readonly (readonly string[])[] }> {
    const { titles, processes } = await this.#client.top(
      { container, arguments: [...(options.parameters ?? [])] },
      call(options),
    );
    return { titles, processes: processes.map(({ values }) => values) };
  }

  /** Changes its limits at once, or those of its next start; what is not named stays. */
  async update(
    container: string,
    change: Pick<ContainerOptions, "resources" | "restartPolicy">,
    options: CallOptions = {},
  ): Promise<void> {
    const { resources, restartPolicy } = change;
    await this.#client.update(
      {
        container,
        ...(resources !== undefined && { resources }),
        ...(restartPolicy !== undefined && { restartPolicy }),
      },
      call(options),
    );
  }

  async remove(
    container: string,
    options: CallOptions & { readonly force?: boolean; readonly volumes?: boolean } = {},
  ): Promise<void> {
    await this.#client.remove(
      { container, force: options.force ?? false, volumes: options.volumes ?? false },
      call(options),
    );
  }

  async list(
    options: CallOptions & {
      readonly all?: boolean;
      readonly limit?: number;
      readonly filters?: Readonly<Record<string, readonly string[]>>;
      readonly size?: boolean;
    } = {},
  ): Promise<readonly Container[]> {
    const filters = Object.fromEntries(
      Object.entries(options.filters ?? {}).map(([key, values]) => [key, { values: [...values] }]),
    );
    const response = await this.#client.list(
      { all: options.all ?? false, limit: options.limit ?? 0, filters, size: options.size ?? false },
      call(options),
    );
    return response.containers;
  }

  async inspect(container: string, options: CallOptions & { readonly size?: boolean } = {}): Promise<Container> {
    const response = await this.#client.inspect({ container, size: options.size ?? false }, call(options));
    if (response.container === undefined)
      throw new BerthError("internal", `the daemon sent no container for ${container}`);
    return response.container;
  }

  /** Resolves when the daemon has registered the wait; its exit resolves when the condition is met. */
  async wait(
    container: string,
    options: CallOptions & { readonly condition?: WaitCondition } = {},
  ): Promise<ContainerWait> {
    const events = this.#client
      .wait({ container, condition: options.condition ?? "" }, call(options))
      [Symbol.asyncIterator]();
    if ((await events.next()).done === true) throw new BerthError("unavailable", "the daemon ended the wait");
    const exit = (async () => {
      for (let next = await events.next(); next.done !== true; next = await events.next()) {
        if (next.value.event.case === "exit") return next.value.event.value;
      }
      throw new BerthError("unavailable", "the daemon ended the wait");
    })();
    exit.catch(() => {
      // Seen by whoever awaits it.
    });
    return { exit };
  }

  /** Entries in order; with follow until the container stops. */
  async *logs(container: string, options: LogOptions & CallOptions = {}): AsyncGenerator<LogEntry> {
    const { signal, ...request } = options;
    const both = request.stdout !== true && request.stderr !== true;
    const wanted = {
      ...request,
      container,
      stdout: both || (request.stdout ?? false),
      stderr: both || (request.stderr ?? false),
    };
    const responses = responsesOf(signal, (call) => this.#client.logs(wanted, call));
    for await (const response of responses) yield* response.entries;
  }

  /** Resolves when attached: no output after that is missed, also when the container is started only then. */
  async attach(
    container: string,
    options: CallOptions & { readonly stdin?: boolean; readonly logs?: boolean } = {},
  ): Promise<AttachedStreams> {
    return await openAttach(
      this.#client,
      { container, stdin: options.stdin ?? false, logs: options.logs ?? false },
      options.signal,
    );
  }

  /** Runs another process in a running container; resolves when it has started. */
  async exec(
    config: ExecOptions,
    options: CallOptions & { readonly size?: { readonly width: number; readonly height: number } | undefined } = {},
  ): Promise<ExecStreams> {
    return await openExec(
      this.#client,
      { config, ...(options.size !== undefined && { size: options.size }) },
      options.signal,
    );
  }

  /** Starts one and leaves it alone; its id. */
  async execDetached(config: ExecOptions, options: CallOptions = {}): Promise<string> {
    return (await this.#client.execDetached({ config }, call(options))).execId;
  }

  /** Sets the size of the terminal of a container, or of one of its execs. */
  async resize(
    container: string,
    size: { readonly width: number; readonly height: number },
    options: CallOptions & { readonly execId?: string } = {},
  ): Promise<void> {
    await this.#client.resize({ container, execId: options.execId ?? "", size }, call(options));
  }
}

function call({ signal }: CallOptions): { signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}
