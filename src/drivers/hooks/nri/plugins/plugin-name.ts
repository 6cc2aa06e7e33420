// SPDX-License-Identifier: Apache-2.0

import { invalidArgument } from "../../../../base/errors.ts";

/** Plugins are called in the order of their index, two digits. */
export interface PluginName {
  readonly index: string;
  readonly base: string;
}

/** Of a file, such as 10-balancer; invalid-argument for anything else. */
export function parsePluginName(text: string): PluginName {
  const [, index = "", base = ""] = /^([^-]*)-(.*)$/s.exec(text) ?? [];
  return checkPluginName({ index, base });
}

/** invalid-argument for a name that no plugin may have. */
export function checkPluginName(name: PluginName): PluginName {
  if (!/^[0-9]{2}$/.test(name.index)) throw invalidArgument(`the index of an NRI plugin is two digits: ${name.index}`);
  if (!/^[\w.+-]+$/.test(name.base)) throw invalidArgument(`not a name of an NRI plugin: ${name.base}`);
  return name;
}

export function formatPluginName({ index, base }: PluginName): string {
  return `${index}-${base}`;
}
