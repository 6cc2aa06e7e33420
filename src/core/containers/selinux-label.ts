// SPDX-License-Identifier: Apache-2.0
// SELinux labels of containers: "user:role:type:level", for the processes and for what is mounted. The defaults are
// those of the container policy that distributions ship (container-selinux).

/** The parts of a label that were asked for. */
export interface SelinuxOptions {
  readonly user?: string;
  readonly role?: string;
  readonly type?: string;
  readonly level?: string;
  /** Of files. */
  readonly filetype?: string;
}

export interface SelinuxLabels {
  readonly process: string;
  readonly mount: string;
}

const categories = 1024;

/** What was asked, on top of the defaults. Without a level, a sandbox's containers share two categories of its own. */
export function selinuxLabels(options: SelinuxOptions, sandboxId: string): SelinuxLabels {
  const { user = "system_u", role = "system_r", type = "container_t", filetype = "container_file_t" } = options;
  const level = options.level ?? `s0:${categoriesOf(sandboxId)}`;
  return { process: `${user}:${role}:${type}:${level}`, mount: `${user}:object_r:${filetype}:${level}` };
}

/** Two different categories, the same ones for the same id (FNV-1a, so that daemons after this one agree). */
function categoriesOf(id: string): string {
  let hash = 0x811c9dc5;
  for (const character of id) hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  const first = hash % categories;
  const second = (first + 1 + (Math.floor(hash / categories) % (categories - 1))) % categories;
  return [first, second]
    .toSorted((left, right) => left - right)
    .map((category) => `c${category}`)
    .join(",");
}
