// SPDX-License-Identifier: Apache-2.0
// Cgroups that belong to no task: runtimes make the parents of a container's cgroup and leave them behind.

export interface Cgroups {
  /** Removes it from every hierarchy where neither a process nor another cgroup is in it. */
  removeEmpty(path: string): Promise<void>;
}
