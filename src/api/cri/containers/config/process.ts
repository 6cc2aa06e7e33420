// SPDX-License-Identifier: Apache-2.0

import { defined } from "../../../../base/defined.ts";
import { invalidArgument } from "../../../../base/errors.ts";
import { parsePosixSignal, posixSignalName } from "../../../../base/posix-signal.ts";
import type { ContainerConfig } from "../../../../core/containers/container-config.ts";
import * as cri from "../../../../gen/runtime/v1/api_pb.js";

type Process = Pick<
  ContainerConfig,
  "entrypoint" | "command" | "environment" | "workingDirectory" | "terminal" | "openStdin" | "stdinOnce" | "stopSignal"
>;

/** What runs: command stands for the image's entry point, args for its command. */
export function toProcess(message: cri.ContainerConfig): Process {
  return {
    environment: message.envs.map(toVariable),
    terminal: message.tty,
    openStdin: message.stdin,
    stdinOnce: message.stdin && message.stdinOnce,
    ...defined({
      entrypoint: message.command.length > 0 ? message.command : undefined,
      command: message.args.length > 0 ? message.args : undefined,
      workingDirectory: message.workingDir || undefined,
      stopSignal: toStopSignal(message.stopSignal),
    }),
  };
}

/** CRI's values are bytes, those of a runtime's configuration text. */
function toVariable({ key, value }: cri.KeyValue): string {
  if (key === "" || key.includes("=")) {
    throw invalidArgument(`invalid environment variable name: ${JSON.stringify(key)}`);
  }
  try {
    return `${key}=${new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(value)}`;
  } catch (error) {
    throw invalidArgument(`the environment variable ${key} is not UTF-8: a runtime cannot be given it`, error);
  }
}

/** "SIGRTMIN+3" for SIGRTMINPLUS3; undefined leaves it to the image. */
export function toStopSignal(value: cri.Signal): string | undefined {
  if (value === cri.Signal.RUNTIME_DEFAULT) return undefined;
  const name = cri.Signal[value];
  if (name === undefined) throw invalidArgument(`invalid stop signal: ${value}`);
  return posixSignalName(parsePosixSignal(name.replace("PLUS", "+").replace("MINUS", "-")));
}

/** The way back: what the status of a container says. */
export function fromStopSignal(text: string): cri.Signal {
  const wanted = parsePosixSignal(text);
  for (const { number } of cri.SignalSchema.values) {
    const name = number === cri.Signal.RUNTIME_DEFAULT ? undefined : toStopSignal(number);
    if (name !== undefined && parsePosixSignal(name) === wanted) return number;
  }
  return cri.Signal.RUNTIME_DEFAULT;
}
