// SPDX-License-Identifier: Apache-2.0
// Completes device files that a vendor described in part: the rest is as the host's own file has it.

import type { Stats } from "node:fs";
import { lstat } from "node:fs/promises";
import { defined } from "../../../base/defined.ts";
import { failedPrecondition, invalidArgument, toEngineError } from "../../../base/errors.ts";
import { deviceNumbers } from "../../../host/files/device-numbers.ts";
import type { CompleteDeviceNode, CompleteEdits } from "../../../oci/cdi/apply-edits.ts";
import type { CdiDeviceNode, ContainerEdits } from "../../../oci/cdi/document.ts";

/** failed-precondition when a device file that is needed is not there or not what the vendor says. */
export async function completeEdits(edits: ContainerEdits): Promise<CompleteEdits> {
  return { ...edits, deviceNodes: await Promise.all(edits.deviceNodes.map(completeNode)) };
}

async function completeNode(node: CdiDeviceNode): Promise<CompleteDeviceNode> {
  const { type, major = 0, hostPath = node.path } = node;
  const isWhole = type !== undefined && (major !== 0 || type === "p");
  const found = await statNode(hostPath, { isNeeded: !isWhole });
  const fileMode = node.fileMode ?? (found === undefined ? undefined : found.mode & 0o7777);
  if (isWhole) return { ...node, type, ...defined({ fileMode }) };
  const ownType = found === undefined ? undefined : typeOf(found);
  if (found === undefined || ownType === undefined) {
    throw failedPrecondition(`the CDI device ${hostPath} is not a device node`);
  }
  if ((type ?? ownType) !== ownType && !(type === "u" && ownType === "c")) {
    throw invalidArgument(`the CDI device ${hostPath} is of type ${ownType} on the host, not ${type}`);
  }
  const numbers = ownType === "p" ? {} : deviceNumbers(found.rdev);
  return { ...node, ...numbers, type: type ?? ownType, ...defined({ fileMode }) };
}

async function statNode(hostPath: string, { isNeeded }: { readonly isNeeded: boolean }): Promise<Stats | undefined> {
  try {
    return await lstat(hostPath);
  } catch (error) {
    if (!isNeeded) return undefined;
    throw failedPrecondition(`the CDI device ${hostPath} is not on this host`, toEngineError(error));
  }
}

function typeOf(stat: Stats): "b" | "c" | "p" | undefined {
  if (stat.isBlockDevice()) return "b";
  if (stat.isCharacterDevice()) return "c";
  return stat.isFIFO() ? "p" : undefined;
}
