// SPDX-License-Identifier: Apache-2.0
// Inspecting objects by name, whatever they are: what was found is printed, also when something else was not.

import { BerthError } from "@berth/sdk";
import { EngineError, messageOf } from "../../base/errors.ts";
import type { CommandContext } from "../command.ts";
import { UsageError } from "../errors.ts";
import { failureText } from "../failure.ts";
import { text, toggle } from "../flags.ts";
import { parseTemplate } from "../format/go-template/template.ts";
import { containerJson } from "./container-json.ts";
import { imageJson } from "./image-json.ts";
import { networkJson } from "./network-json.ts";
import { podJson } from "./pod-json.ts";
import { volumeJson } from "./volume-json.ts";

/** A kind of object, and the word for one that is not there. */
export type InspectKind = "container" | "image" | "network" | "volume" | "sandbox";

export const inspectFormatFlag = text("Format output using a custom template: 'json' or a Go template", { short: "f" });
export const inspectSizeFlag = toggle("Display total file sizes if the type is container", { short: "s" });

export interface InspectRequest {
  /** Tried in this order. */
  readonly kinds: readonly InspectKind[];
  readonly names: readonly string[];
  readonly format: string | undefined;
  readonly size: boolean;
}

type Json = Readonly<Record<string, unknown>>;

/** Exit code 1 when one of them is not there. */
export async function inspectObjects(context: CommandContext, request: InspectRequest): Promise<number> {
  const print = printerFor(request.format);
  const found: Json[] = [];
  const failures: string[] = [];
  for (const name of request.names) {
    try {
      const json = await inspectOne(context, request, name);
      if (json === undefined) failures.push(`Error: No such ${nounOf(request.kinds)}: ${name}`);
      else found.push(json);
    } catch (error) {
      // Without the daemon the others cannot be asked for either.
      if (!(error instanceof BerthError) || !error.isFromDaemon) throw error;
      failures.push(failureText(error));
    }
  }
  context.stdout.write(print(found));
  for (const failure of failures) context.stderr.write(`${failure}\n`);
  return failures.length === 0 ? 0 : 1;
}

function nounOf(kinds: readonly InspectKind[]): string {
  const [kind = "object"] = kinds;
  return kinds.length === 1 ? kind : "object";
}

async function inspectOne(
  context: CommandContext,
  { kinds, size }: InspectRequest,
  name: string,
): Promise<Json | undefined> {
  const { containers, images, networks, pods, volumes } = context.client();
  const { signal } = context;
  for (const kind of kinds) {
    try {
      switch (kind) {
        case "container":
          return containerJson(await containers.inspect(name.replace(/^\/+/, ""), { size, signal }));
        case "image":
          return imageJson(await images.inspect(name, { signal }));
        case "network":
          return networkJson(await networks.inspect(name, { signal }));
        case "volume":
          return volumeJson(await volumes.inspect(name, { signal }));
        case "sandbox":
          return podJson(await pods.inspect(name, { signal }));
      }
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }
  return undefined;
}

/** Not there, or not a name that such an object could have. */
function isMissing(error: unknown): boolean {
  return error instanceof BerthError && (error.code === "not-found" || error.code === "invalid-argument");
}

function printerFor(format: string | undefined): (objects: readonly Json[]) => string {
  if (format === undefined || format === "") return (objects) => `${JSON.stringify(objects, undefined, 4)}\n`;
  if (format === "json") return (objects) => `${JSON.stringify(objects)}\n`;
  const template = parse(format);
  return (objects) => objects.map((object) => `${execute(template, object)}\n`).join("");
}

function parse(format: string): ReturnType<typeof parseTemplate> {
  try {
    return parseTemplate(format);
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error });
  }
}

function execute(template: ReturnType<typeof parseTemplate>, object: Json): string {
  try {
    return template.execute(object, { missingKey: "error" });
  } catch (error) {
    throw new EngineError("invalid-argument", `template parsing error: ${messageOf(error)}`, { cause: error });
  }
}
