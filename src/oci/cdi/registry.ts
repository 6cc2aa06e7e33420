// SPDX-License-Identifier: Apache-2.0
// The devices of all files together. Files of a later directory go before those of an earlier one; two files of one
// directory that have the same device take it from each other.

import { EngineError } from "../../base/errors.ts";
import type { CdiDocument, ContainerEdits } from "./document.ts";

/** A file that could be read. */
export interface CdiFile {
  readonly path: string;
  /** The place of its directory in the list of directories. */
  readonly priority: number;
  readonly document: CdiDocument;
}

/** Devices by their full names. */
export class CdiRegistry {
  readonly #devices = new Map<string, readonly CdiFile[]>();
  readonly #problems: readonly string[];

  /** problems: why other files could not be read, for those who miss a device. */
  constructor(files: readonly CdiFile[], problems: readonly string[] = []) {
    this.#problems = problems;
    for (const file of files) {
      for (const name of file.document.devices.keys()) this.#add(`${file.document.kind}=${name}`, file);
    }
  }

  #add(name: string, file: CdiFile): void {
    const others = this.#devices.get(name) ?? [];
    const highest = others[0]?.priority ?? -1;
    if (file.priority > highest) this.#devices.set(name, [file]);
    if (file.priority === highest) this.#devices.set(name, [...others, file]);
  }

  /** What these devices need, in their order, each file's common part before its first device. */
  editsOf(names: readonly string[]): readonly ContainerEdits[] {
    const missing = names.filter((name) => this.#devices.get(name)?.length !== 1);
    if (missing.length > 0) throw this.#unresolvable(missing);
    const begun = new Set<CdiFile>();
    return names.flatMap((name) => {
      const file = this.#devices.get(name)?.[0];
      const edits = file?.document.devices.get(name.slice(name.indexOf("=") + 1));
      if (file === undefined || edits === undefined) return [];
      const common = begun.has(file) ? [] : [file.document.edits];
      begun.add(file);
      return [...common, edits];
    });
  }

  #unresolvable(missing: readonly string[]): EngineError {
    const conflicts = missing.flatMap((name) => {
      const files = this.#devices.get(name) ?? [];
      return files.length > 1 ? [`${name} is in ${files.map(({ path }) => path).join(" and ")}`] : [];
    });
    const reasons = [...conflicts, ...this.#problems];
    const suffix = reasons.length === 0 ? "" : ` (${reasons.join("; ")})`;
    return new EngineError("not-found", `unresolvable CDI devices ${missing.join(", ")}${suffix}`);
  }
}
