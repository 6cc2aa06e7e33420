// SPDX-License-Identifier: Apache-2.0
// Who has set what: two plugins may not set the same thing, unless the later one takes it away first. Lasts for one
// request; a container's id comes first, for a request may change several.

import type { MessageInitShape } from "@bufbuild/protobuf";
import { conflict } from "../../../../base/errors.ts";
import { Field, type OwningPluginsSchema } from "../../../../gen/nri/pkg/api/v1alpha1/api_pb.js";
import { markForRemoval, parseKey } from "./removal.ts";

/** What is owned: a field, or an entry of one that is a list or a map. */
export interface Claim {
  readonly field: Field;
  readonly entry?: string;
}

interface FieldOwners {
  readonly simple: Map<Field, string>;
  readonly compound: Map<Field, Map<string, string>>;
}

export class Ownership {
  readonly #containers = new Map<string, FieldOwners>();

  /** conflict when another plugin has it. */
  claim(containerId: string, { field, entry }: Claim, plugin: string): void {
    const [owners, key] = this.#at(containerId, field, entry);
    const owner = owners.get(key);
    if (owner !== undefined) {
      const { name, removed } = parseKey(owner);
      if (!removed || name !== plugin) {
        const what = entry === undefined ? Field[field] : `${Field[field]} ${entry}`;
        throw conflict(`plugins ${plugin} and ${name} both tried to set ${what}`);
      }
    }
    owners.set(key, plugin);
  }

  /** What others have set is taken away: the plugin alone may set it again. What nobody has set is nobody's. */
  clear(containerId: string, { field, entry }: Claim, plugin: string): void {
    const [owners, key] = this.#at(containerId, field, entry);
    if (owners.has(key)) owners.set(key, markForRemoval(plugin));
  }

  /** For what adds up and is in nobody's way. */
  share(containerId: string, field: Field, plugin: string): void {
    const [owners, key] = this.#at(containerId, field, undefined);
    const others = owners.get(key);
    owners.set(key, others === undefined ? plugin : `${others},${plugin}`);
  }

  /** Whose a field is, or those of its entries by their keys. */
  ownersOf(containerId: string, field: Field): ReadonlyMap<string, string> {
    const owners = this.#containers.get(containerId);
    const simple = owners?.simple.get(field);
    return simple === undefined ? (owners?.compound.get(field) ?? new Map()) : new Map([["", simple]]);
  }

  /** For plugins that accept or refuse. */
  toNri(): MessageInitShape<typeof OwningPluginsSchema> {
    return {
      owners: Object.fromEntries(
        [...this.#containers].map(([id, { simple, compound }]) => [
          id,
          {
            simple: Object.fromEntries(simple),
            compound: Object.fromEntries(
              [...compound].map(([field, owners]) => [field, { owners: Object.fromEntries(owners) }]),
            ),
          },
        ]),
      ),
    };
  }

  #at(
    containerId: string,
    field: Field,
    entry: string | undefined,
  ): readonly [Map<string | Field, string>, string | Field] {
    let owners = this.#containers.get(containerId);
    if (owners === undefined) {
      owners = { simple: new Map(), compound: new Map() };
      this.#containers.set(containerId, owners);
    }
    if (entry === undefined) return [owners.simple as Map<string | Field, string>, field];
    let entries = owners.compound.get(field);
    if (entries === undefined) {
      entries = new Map();
      owners.compound.set(field, entries);
    }
    return [entries as Map<string | Field, string>, entry];
  }
}
