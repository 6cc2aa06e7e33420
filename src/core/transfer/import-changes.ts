// SPDX-License-Identifier: Apache-2.0
// The Dockerfile instructions that `import --change` and `commit --change` take, turned into the defaults of an image's containers: CMD,
// ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD, STOPSIGNAL, USER, VOLUME, WORKDIR. They mean what they mean in a
// Dockerfile; what cannot stand alone (FROM, RUN, COPY…) is refused.

import { posix } from "node:path";
import { invalidArgument } from "../../base/errors.ts";
import { parsePosixSignal } from "../../base/posix-signal.ts";
import type { ContainerDefaults } from "../../oci/image/documents.ts";

type Defaults = { -readonly [K in keyof ContainerDefaults]: ContainerDefaults[K] };

const instructions: Readonly<Record<string, (defaults: Defaults, text: string) => void>> = {
  CMD: (defaults, text) => {
    defaults.Cmd = commandOf(text);
  },
  ENTRYPOINT: (defaults, text) => {
    defaults.Entrypoint = commandOf(text);
  },
  ENV: (defaults, text) => {
    const environment = new Map((defaults.Env ?? []).map((line) => [line.slice(0, line.indexOf("=")), line]));
    for (const [key, value] of pairsOf("ENV", text)) environment.set(key, `${key}=${value}`);
    defaults.Env = [...environment.values()];
  },
  EXPOSE: (defaults, text) => {
    const ports = wordsOf(text).flatMap(portsOf);
    defaults.ExposedPorts = { ...defaults.ExposedPorts, ...Object.fromEntries(ports.map((port) => [port, {}])) };
  },
  HEALTHCHECK: (defaults, text) => {
    defaults.Healthcheck = healthcheckOf(text);
  },
  LABEL: (defaults, text) => {
    defaults.Labels = { ...defaults.Labels, ...Object.fromEntries(pairsOf("LABEL", text)) };
  },
  ONBUILD: (defaults, text) => {
    if (/^(ONBUILD|FROM|MAINTAINER)\b/i.test(text)) {
      throw invalidArgument(`${text.split(/\s/, 1)[0]?.toUpperCase()} is not allowed as an ONBUILD trigger`);
    }
    defaults.OnBuild = [...(defaults.OnBuild ?? []), text];
  },
  STOPSIGNAL: (defaults, text) => {
    parsePosixSignal(text);
    defaults.StopSignal = text;
  },
  USER: (defaults, text) => {
    defaults.User = text;
  },
  VOLUME: (defaults, text) => {
    const volumes = jsonWords(text) ?? wordsOf(text);
    if (volumes.some((volume) => volume === "")) throw invalidArgument("VOLUME specified can not be an empty string");
    defaults.Volumes = { ...defaults.Volumes, ...Object.fromEntries(volumes.map((volume) => [volume, {}])) };
  },
  WORKDIR: (defaults, text) => {
    defaults.WorkingDir = posix.resolve("/", defaults.WorkingDir ?? "", wordsOf(text)[0] ?? "");
  },
};

/** The base with what the changes make of it; invalid-argument, naming the change, when one of them cannot be understood. */
export function parseImportChanges(changes: readonly string[], base: ContainerDefaults = {}): ContainerDefaults {
  const defaults: Defaults = { ...base };
  for (const change of changes) {
    const [, word = "", text = ""] = /^\s*(\S+)\s*([\s\S]*?)\s*$/.exec(change) ?? [];
    const instruction = Object.hasOwn(instructions, word.toUpperCase()) ? instructions[word.toUpperCase()] : undefined;
    if (instruction === undefined) throw invalidArgument(`${word || '""'} is not a valid change command`);
    if (text === "") throw invalidArgument(`${word.toUpperCase()} requires at least one argument`);
    instruction(defaults, text);
  }
  return defaults;
}

/** A JSON list of strings is run as it is, anything else by a shell. */
function commandOf(text: string): readonly string[] {
  return jsonWords(text) ?? ["/bin/sh", "-c", text];
}

function jsonWords(text: string): readonly string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    const isWords = Array.isArray(value) && value.every((word) => typeof word === "string");
    return isWords ? (value as readonly string[]) : undefined;
  } catch {
    return undefined; // a text for the shell that starts with a bracket
  }
}

/** Words as a Dockerfile has them: separated by spaces, with quotes and backslashes taken away. */
function wordsOf(text: string): string[] {
  const words = text.match(/(?:\\[\s\S]|"(?:\\[\s\S]|[^"\\])*"|'[^']*'|[^\s"'\\])+/g) ?? [];
  if (words.join("").length !== text.replace(/(\\[\s\S]|"(?:\\[\s\S]|[^"\\])*"|'[^']*')|\s/g, "$1").length) {
    throw invalidArgument(`unbalanced quotes in ${JSON.stringify(text)}`);
  }
  return words.map((word) =>
    word.replace(/\\([\s\S])|"((?:\\[\s\S]|[^"\\])*)"|'([^']*)'/g, (_, escaped, double, single) => {
      if (escaped !== undefined) return escaped as string;
      if (double !== undefined) return (double as string).replace(/\\(["\\$])/g, "$1");
      return single as string;
    }),
  );
}

/** "a=1 b='2 3'", or the old form "a the rest is the value". */
function pairsOf(instruction: string, text: string): readonly (readonly [key: string, value: string])[] {
  const old = /^([^\s="']+)\s+([\s\S]+)$/.exec(text);
  if (old?.[1] !== undefined && old[2] !== undefined) return [[old[1], old[2]]];
  return wordsOf(text).map((word) => {
    const equals = word.indexOf("=");
    if (equals <= 0) throw invalidArgument(`${instruction} must have the form name=value, and ${word} has not`);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

function portsOf(text: string): readonly string[] {
  const match = /^(\d{1,5})(?:-(\d{1,5}))?(?:\/(tcp|udp|sctp))?$/i.exec(text);
  const first = Number(match?.[1]);
  const last = Number(match?.[2] ?? match?.[1]);
  if (match === null || first < 1 || last < first || last > 65_535) {
    throw invalidArgument(`invalid containerPort: ${text}`);
  }
  const protocol = match[3]?.toLowerCase() ?? "tcp";
  return Array.from({ length: last - first + 1 }, (_, index) => `${first + index}/${protocol}`);
}

const durationFlags: Readonly<Record<string, string>> = {
  interval: "Interval",
  timeout: "Timeout",
  "start-period": "StartPeriod",
  "start-interval": "StartInterval",
};

function healthcheckOf(text: string): Readonly<Record<string, unknown>> {
  const check: Record<string, unknown> = {};
  let rest = text;
  for (let flag = nextFlag(rest); flag !== null; flag = nextFlag(rest)) {
    const [whole, name = "", value = ""] = flag;
    const durationField = durationFlags[name];
    if (durationField !== undefined) check[durationField] = nanosecondsOf(name, value);
    else if (name === "retries" && /^\d+$/.test(value)) check["Retries"] = Number(value);
    else throw invalidArgument(`unknown flag or value: --${name}=${value}`);
    rest = rest.slice(whole.length);
  }
  const [, kind = "", command = ""] = /^(\S+)\s*([\s\S]*)$/.exec(rest) ?? [];
  if (kind.toUpperCase() === "NONE" && command === "") return { Test: ["NONE"] };
  if (kind.toUpperCase() !== "CMD" || command === "") {
    throw invalidArgument(`unknown type ${JSON.stringify(kind)} in HEALTHCHECK (try CMD)`);
  }
  const words = jsonWords(command);
  return { Test: words === undefined ? ["CMD-SHELL", command] : ["CMD", ...words], ...check };
}

function nextFlag(text: string): RegExpExecArray | null {
  return /^--([a-z-]+)=(\S+)\s*/.exec(text);
}

const unitNanoseconds: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

function nanosecondsOf(flag: string, text: string): number {
  if (!/^(?:\d+(?:\.\d+)?(?:ns|us|ms|s|m|h))+$/.test(text)) {
    throw invalidArgument(`invalid duration ${JSON.stringify(text)} for --${flag}`);
  }
  let total = 0;
  for (const [, number, unit = ""] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|ms|s|m|h)/g)) {
    total += Number(number) * (unitNanoseconds[unit] ?? 0);
  }
  return Math.round(total);
}
