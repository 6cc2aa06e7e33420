// SPDX-License-Identifier: Apache-2.0
// Which ids of a user namespace are which of the host: the types lie in base, where mounts and the kernel's side find
// them too.

export type { IdMapping, IdMappings } from "../../base/id-mapping.ts";
