// SPDX-License-Identifier: Apache-2.0

import { defined } from "../../base/defined.ts";
import { invalidArgument } from "../../base/errors.ts";
import { runtimeHookStages } from "../runtime/spec.ts";
import type { CdiDeviceNode, CdiHook, CdiIntelRdt, CdiMount, CdiNetDevice, ContainerEdits } from "./document.ts";
import { Fields } from "./fields.ts";

/** Nothing to change. */
export const noEdits: ContainerEdits = {
  environment: [],
  deviceNodes: [],
  netDevices: [],
  mounts: [],
  hooks: [],
  additionalGids: [],
};

/** containerEdits; invalid-argument with the place of what is wrong. */
export function parseEdits(value: unknown, where: string): ContainerEdits {
  const fields = new Fields(value, where);
  const edits = {
    environment: fields.texts("env").map((entry) => checkVariable(entry, where)),
    deviceNodes: fields.list("deviceNodes", parseDeviceNode),
    netDevices: fields.list("netDevices", parseNetDevice),
    mounts: fields.list("mounts", parseMount),
    hooks: fields.list("hooks", parseHook),
    additionalGids: fields.list("additionalGids", parseGid),
    ...defined({ intelRdt: fields.object("intelRdt", parseIntelRdt) }),
  };
  fields.done();
  for (const key of ["hostInterfaceName", "name"] as const) {
    const names = edits.netDevices.map((device) => device[key]);
    if (new Set(names).size < names.length) throw invalidArgument(`${where}.netDevices: two have the same ${key}`);
  }
  return edits;
}

/** A device without effect would be a mistake. */
export function isEmpty(edits: ContainerEdits): boolean {
  return edits.intelRdt === undefined && Object.values(edits).every((list) => Array.isArray(list) && list.length === 0);
}

function parseDeviceNode(value: unknown, where: string): CdiDeviceNode {
  const fields = new Fields(value, where);
  const node = {
    path: fields.requiredText("path"),
    ...defined({
      hostPath: fields.text("hostPath") || undefined,
      type: parseType(fields.text("type") ?? "", where),
      major: fields.integer("major"),
      minor: fields.integer("minor"),
      fileMode: fields.integer("fileMode"),
      permissions: parsePermissions(fields.text("permissions") ?? "", where),
      uid: fields.integer("uid"),
      gid: fields.integer("gid"),
    }),
  };
  fields.done();
  return node;
}

function parseType(text: string, where: string): CdiDeviceNode["type"] | undefined {
  if (text === "") return undefined;
  if (text === "b" || text === "c" || text === "u" || text === "p") return text;
  throw invalidArgument(`${where}: invalid type ${JSON.stringify(text)}`);
}

function parsePermissions(text: string, where: string): string | undefined {
  if (text === "") return undefined;
  if (text === "none" || /^[rwm]+$/.test(text)) return text;
  throw invalidArgument(`${where}: invalid permissions ${JSON.stringify(text)}`);
}

function parseNetDevice(value: unknown, where: string): CdiNetDevice {
  const fields = new Fields(value, where);
  const device = { hostInterfaceName: fields.requiredText("hostInterfaceName"), name: fields.requiredText("name") };
  fields.done();
  return device;
}

function parseMount(value: unknown, where: string): CdiMount {
  const fields = new Fields(value, where);
  const mount = {
    hostPath: fields.requiredText("hostPath"),
    containerPath: fields.requiredText("containerPath"),
    options: fields.texts("options"),
    ...defined({ type: fields.text("type") || undefined }),
  };
  fields.done();
  return mount;
}

function parseHook(value: unknown, where: string): CdiHook {
  const fields = new Fields(value, where);
  const name = fields.requiredText("hookName");
  const stage = runtimeHookStages.find((candidate) => candidate === name);
  if (stage === undefined) throw invalidArgument(`${where}: invalid hook name ${JSON.stringify(name)}`);
  const path = fields.requiredText("path");
  const [args, env] = [fields.texts("args"), fields.texts("env").map((entry) => checkVariable(entry, where))];
  const timeout = fields.integer("timeout");
  fields.done();
  return {
    stage,
    path,
    ...(args.length > 0 && { args }),
    ...(env.length > 0 && { env }),
    ...(timeout !== undefined && { timeout }),
  };
}

function parseIntelRdt(value: unknown, where: string): CdiIntelRdt {
  const fields = new Fields(value, where);
  const closID = fields.text("closID") || undefined;
  const schemata = fields.texts("schemata");
  const settings = defined({
    closID,
    l3CacheSchema: fields.text("l3CacheSchema") || undefined,
    memBwSchema: fields.text("memBwSchema") || undefined,
    schemata: schemata.length > 0 ? schemata : undefined,
    enableMonitoring: fields.boolean("enableMonitoring"),
  });
  fields.done();
  // The name of a directory of resctrl; "/" is its root.
  const isName = closID === undefined || closID === "/" || !/^\.{1,2}$|[/\n]|^.{4096}/s.test(closID);
  if (!isName) throw invalidArgument(`${where}: invalid closID`);
  return settings;
}

function parseGid(value: unknown, where: string): number {
  const gid = typeof value === "string" && /^\d+$/.test(value) ? Number(value) : Number.NaN;
  if (!(gid < 2 ** 32)) throw invalidArgument(`${where} must be a group id`);
  return gid;
}

function checkVariable(entry: string, where: string): string {
  if (entry.indexOf("=") > 0) return entry;
  throw invalidArgument(`${where}: invalid environment variable ${JSON.stringify(entry)}`);
}
