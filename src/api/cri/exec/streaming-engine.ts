// SPDX-License-Identifier: Apache-2.0
// The engine as the streaming server sees it.

import { failedPrecondition, hasCode } from "../../../base/errors.ts";
import type { ContainerId, SandboxId } from "../../../base/ids.ts";
import { raceSignal } from "../../../base/lifetime.ts";
import { attachContainer } from "../../../core/lifecycle/attach-container.ts";
import type { Engine } from "../../../core/lifecycle/engine.ts";
import { execInContainer } from "../../../core/lifecycle/exec/exec-container.ts";
import { resizeTerminal } from "../../../core/lifecycle/exec/resize-terminal.ts";
import { readyPod } from "../../../core/lifecycle/pod-member.ts";
import type { PortDialer } from "../../../core/sandboxes/port-dialer.ts";
import type { OutputChunk } from "../../../core/streams/process-streams.ts";
import { joinConnection } from "../streaming/join-connection.ts";
import type { StreamedProcess, StreamingRuntime, TerminalSize } from "../streaming/streaming-runtime.ts";

export function streamingEngine(engine: Engine, ports: PortDialer): StreamingRuntime {
  return {
    async exec({ containerId, command, tty, stdin }, streams, { signal }) {
      const config = { command, environment: [], terminal: tty, privileged: false };
      const exec = await execInContainer(engine, containerId, config, { stdin, detached: false, signal });
      const input = sendInput(exec, streams);
      const sizes = followSizes(streams, async (size) => await exec.resize(size, { signal }));
      await giveOutput(exec.output, streams);
      // It may go on for ever without its client: nobody waits for that.
      const { exitCode } = await raceSignal(exec.exit, signal);
      await input.stop();
      await sizes.stop();
      return exitCode;
    },

    async attach({ containerId }, streams, { signal }) {
      if (!engine.running.has(containerId as ContainerId)) {
        throw failedPrecondition(`container ${containerId} is not running`);
      }
      const attachment = await attachContainer(engine, containerId, { signal });
      const input = sendInput(attachment, streams);
      const sizes = followSizes(
        streams,
        async (size) => await resizeTerminal(engine, containerId, { execId: "", ...size, signal }),
      );
      await giveOutput(attachment.output, streams);
      await input.stop();
      await sizes.stop();
    },

    async portForward({ sandboxId, port }, connection, { signal }) {
      const { namespaces } = readyPod(engine, sandboxId as SandboxId);
      const socket = await ports.connect(namespaces.network, port, { signal });
      await joinConnection(socket, connection, { signal });
    },
  };
}

async function giveOutput(output: AsyncIterable<OutputChunk>, streams: StreamedProcess): Promise<void> {
  for await (const { stream, data } of output) await streams[stream]?.(data);
}

interface Input {
  writeStdin(data: Uint8Array): Promise<void>;
  endStdin(): Promise<void>;
}

/** Something that goes on beside the output; stop resolves when it has ended, and never fails. */
interface Beside {
  stop(): Promise<void>;
}

/** What the peer sends, until it ends that or the process does not take any more. */
function sendInput(process: Input, { stdin }: StreamedProcess): Beside {
  if (stdin === undefined) return nothing;
  const iterator = stdin[Symbol.asyncIterator]();
  const sending = (async () => {
    try {
      for (;;) {
        const { done, value } = await iterator.next();
        if (done === true) break;
        await process.writeStdin(value);
      }
    } finally {
      // Also when the peer has gone: whoever waits for input ends, as it would with a broken pipe.
      await process.endStdin();
    }
  })();
  return stoppable(sending, async () => void (await iterator.return?.()));
}

/** A size that comes too late for the process is as good as none. */
function followSizes({ resizes }: StreamedProcess, resize: (size: TerminalSize) => Promise<void>): Beside {
  const iterator = resizes[Symbol.asyncIterator]();
  const following = (async () => {
    for (;;) {
      const { done, value } = await iterator.next();
      if (done === true) return;
      await resize(value).catch((error: unknown) => {
        if (!hasCode(error, "not-found") && !hasCode(error, "conflict")) throw error;
      });
    }
  })();
  return stoppable(following, async () => void (await iterator.return?.()));
}

const nothing: Beside = { stop: async () => await Promise.resolve() };

/** Its failure is the peer's leaving or the process's end, which show in the output. */
function stoppable(work: Promise<void>, stop: () => Promise<void>): Beside {
  const quiet = work.catch(() => {
    // See above.
  });
  return {
    async stop() {
      await Promise.race([stop(), quiet]);
    },
  };
}
