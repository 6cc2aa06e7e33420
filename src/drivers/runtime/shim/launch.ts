// SPDX-License-Identifier: Apache-2.0
// Starting a shim: its executable is run with the action "start" in a directory with a config.json, leaves a server
// behind and says where that listens. There are two dialects. Shims up to containerd 2.2 want nothing on standard input
// and answer unix://… or JSON; later ones want a BootstrapParams message and answer a BootstrapResult, both protobuf.
// Which one a shim speaks is found out by trying, the old one first: there a new shim refuses before it has done anything.

import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { EngineError, failedPrecondition, isEngineError, unavailable } from "../../../base/errors.ts";
import { posixSignalName } from "../../../base/posix-signal.ts";
import {
  BootstrapParamsSchema,
  BootstrapResultSchema,
  LogLevel,
} from "../../../gen/containerd/runtime/bootstrap/v1/bootstrap_pb.js";
import { runProgram } from "../../../linux/process/run-program.ts";

export interface LaunchRequest {
  /** The shim's executable, absolute. */
  readonly executable: string;
  /** Working directory, with a config.json. */
  readonly directory: string;
  readonly id: string;
  readonly namespace: string;
  /** Our socket for the shim's events. */
  readonly eventSocketPath: string;
  /** What tells this daemon's shims from those of another: goes into the name of the shim's socket. */
  readonly owner: string;
  /** Where new shims put their sockets; undefined is the shim's own choice. */
  readonly socketDirectory: string | undefined;
}

export interface LaunchResult {
  /** Path of the unix socket. */
  readonly socket: string;
  /** Version of the Task service. */
  readonly version: 2 | 3;
}

type Dialect = "flags" | "parameters";

/** What each executable turned out to speak. */
const dialects = new Map<string, Dialect>();

/** Starts the shim, or finds the one that runs already for the same sandbox. */
export async function launchShim(
  request: LaunchRequest,
  { signal }: { readonly signal: AbortSignal },
): Promise<LaunchResult> {
  const known = dialects.get(request.executable);
  if (known !== undefined) return await launchWith(known, request, signal);
  try {
    const result = await launchWith("flags", request, signal);
    dialects.set(request.executable, "flags");
    return result;
  } catch (error) {
    signal.throwIfAborted();
    if (!isEngineError(error) || error.code === "failed-precondition") throw error;
    try {
      const result = await launchWith("parameters", request, signal);
      dialects.set(request.executable, "parameters");
      return result;
    } catch (second) {
      throw /deprecated/.test(error.message) ? second : error;
    }
  }
}

async function launchWith(dialect: Dialect, request: LaunchRequest, signal: AbortSignal): Promise<LaunchResult> {
  const input =
    dialect === "flags"
      ? undefined
      : toBinary(
          BootstrapParamsSchema,
          create(BootstrapParamsSchema, {
            instanceId: request.id,
            namespace: request.namespace,
            logLevel: LogLevel.INFO,
            containerdTtrpcAddress: request.eventSocketPath,
            containerdGrpcAddress: request.owner,
            ...(request.socketDirectory === undefined ? {} : { socketDir: request.socketDirectory }),
          }),
        );
  return parseAnswer(await runStart(request, input, signal), request.executable);
}

/** Runs the start command; its standard output, or an error with what it wrote to standard error. */
async function runStart(request: LaunchRequest, input: Uint8Array | undefined, signal: AbortSignal): Promise<Buffer> {
  const { status, posixSignal, stdout, stderr } = await runProgram(
    {
      file: request.executable,
      parameters: ["-namespace", request.namespace, "-id", request.id, "-address", request.owner, "start"],
      directory: request.directory,
      // A runtime would take the daemon's own NOTIFY_SOCKET for the container's and wait on it.
      environment: {
        ...process.env,
        NOTIFY_SOCKET: undefined,
        TTRPC_ADDRESS: request.eventSocketPath,
        NAMESPACE: request.namespace,
      },
      ...(input !== undefined && { input }),
    },
    { signal },
  );
  if (status === 0) return stdout;
  const end = posixSignal === undefined ? status : posixSignalName(posixSignal);
  throw new EngineError(
    "unknown",
    `${request.executable} start ended with ${end}: ${stderr.toString().trim() || "no message"}`,
  );
}

/** Reads any of the three answers: an address, JSON with an address, BootstrapResult. */
export function parseAnswer(answer: Uint8Array, executable: string): LaunchResult {
  const text = Buffer.from(answer).toString().trim();
  if (text.startsWith("unix://")) return checked({ address: text, version: 2, protocol: "ttrpc" }, executable);
  try {
    const result = text.startsWith("{")
      ? (JSON.parse(text) as Partial<Answer>)
      : fromBinary(BootstrapResultSchema, answer);
    return checked(
      { address: result.address ?? "", version: result.version ?? 2, protocol: result.protocol ?? "ttrpc" },
      executable,
    );
  } catch (error) {
    if (isEngineError(error)) throw error;
    throw unavailable(`the answer of ${executable} start cannot be understood`, error);
  }
}

interface Answer {
  readonly address: string;
  readonly version: number;
  readonly protocol: string;
}

function checked({ address, version, protocol }: Answer, executable: string): LaunchResult {
  const socket = /^unix:\/\/(\/.+)$/.exec(address)?.[1];
  if (socket === undefined) throw unavailable(`${executable} start answered no socket: ${address || "nothing"}`);
  if (protocol !== "ttrpc") throw failedPrecondition(`${executable} speaks ${protocol}, and only ttrpc is known`);
  if (version !== 2 && version !== 3) {
    throw failedPrecondition(`${executable} speaks version ${version} of the shim API, and only 2 and 3 are known`);
  }
  return { socket, version };
}
