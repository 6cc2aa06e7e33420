// SPDX-License-Identifier: Apache-2.0

import { parse } from "yaml";
import { invalidArgument, messageOf } from "../../base/errors.ts";
import { isDeviceName, isKind } from "./device-name.ts";
import type { CdiDocument, ContainerEdits } from "./document.ts";
import { Fields } from "./fields.ts";
import { isEmpty, noEdits, parseEdits } from "./parse-edits.ts";

/** A file's text, JSON or YAML; invalid-argument with the place of what is wrong. */
export function parseCdiDocument(text: string): CdiDocument {
  const fields = new Fields(parseText(text), "the specification");
  const version = fields.requiredText("cdiVersion").replace(/^v/, "");
  const kind = fields.requiredText("kind");
  if (!isKind(kind)) throw invalidArgument(`invalid kind ${JSON.stringify(kind)}: it is vendor/class`);
  const edits = fields.object("containerEdits", parseEdits) ?? noEdits;
  const isAnnotated = fields.object("annotations", readAnnotations) ?? false;
  const devices = fields.list("devices", parseDevice);
  fields.done();
  if (devices.length === 0) throw invalidArgument("the specification has no devices");
  checkVersion(version, { kind, edits, isAnnotated, devices });
  const byName = new Map(devices.map((device) => [device.name, device.edits]));
  if (byName.size < devices.length) throw invalidArgument("the specification has two devices of one name");
  return { kind, edits, devices: byName };
}

/** All scalars stay text: which of them are numbers is the fields' business. */
function parseText(text: string): unknown {
  try {
    return parse(text, { schema: "failsafe", logLevel: "error" });
  } catch (error) {
    throw invalidArgument(`the specification is neither JSON nor YAML: ${messageOf(error).split("\n")[0]}`, error);
  }
}

interface Device {
  readonly name: string;
  readonly edits: ContainerEdits;
  readonly isAnnotated: boolean;
}

function parseDevice(value: unknown, where: string): Device {
  const fields = new Fields(value, where);
  const name = fields.requiredText("name");
  if (!isDeviceName(name)) throw invalidArgument(`${where}: invalid device name ${JSON.stringify(name)}`);
  const edits = fields.object("containerEdits", parseEdits) ?? noEdits;
  const isAnnotated = fields.object("annotations", readAnnotations) ?? false;
  fields.done();
  if (isEmpty(edits)) throw invalidArgument(`${where}: the device ${name} changes nothing`);
  return { name, edits, isAnnotated };
}

/** They tell people something; whether there are any. */
function readAnnotations(value: unknown, where: string): boolean {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidArgument(`${where} must be an object`);
  }
  return Object.keys(value).length > 0;
}

/** Oldest first. */
const versions = ["0.1.0", "0.2.0", "0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0", "1.1.0"] as const;

interface Used {
  readonly kind: string;
  readonly edits: ContainerEdits;
  readonly isAnnotated: boolean;
  readonly devices: readonly Device[];
}

/** A document that uses what its version does not have was written for something else than it says. */
function checkVersion(version: string, used: Used): void {
  const index = versions.findIndex((known) => known === version);
  if (index < 0) throw invalidArgument(`unknown version ${JSON.stringify(version)} of CDI`);
  const needed = neededVersion(used);
  if (index < versions.indexOf(needed)) {
    throw invalidArgument(`the specification says version ${version} and uses what only ${needed} has`);
  }
}

function neededVersion({ kind, edits, isAnnotated, devices }: Used): (typeof versions)[number] {
  const all = [edits, ...devices.map((device) => device.edits)];
  const some = (uses: (edits: ContainerEdits) => boolean) => all.some(uses);
  if (some(({ netDevices, intelRdt }) => netDevices.length > 0 || usesNewRdt(intelRdt))) return "1.1.0";
  if (some(({ intelRdt, additionalGids }) => intelRdt !== undefined || additionalGids.length > 0)) return "0.7.0";
  if (isAnnotated || devices.some((device) => device.isAnnotated)) return "0.6.0";
  if (/\/.*\./.test(kind)) return "0.6.0";
  if (devices.some(({ name }) => /^\d/.test(name))) return "0.5.0";
  if (some(({ deviceNodes }) => deviceNodes.some(({ hostPath }) => hostPath !== undefined))) return "0.5.0";
  return some(({ mounts }) => mounts.some(({ type }) => type !== undefined)) ? "0.4.0" : "0.1.0";
}

function usesNewRdt(settings: ContainerEdits["intelRdt"]): boolean {
  return settings?.schemata !== undefined || settings?.enableMonitoring === true;
}
