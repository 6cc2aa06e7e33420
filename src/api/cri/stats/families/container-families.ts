// SPDX-License-Identifier: Apache-2.0

import type { ContainerFamilies } from "./container-source.ts";
import { cpuFamilies } from "./cpu.ts";
import { diskFamilies } from "./disk.ts";
import { memoryFamilies } from "./memory.ts";
import { pressureFamilies } from "./pressure.ts";
import { processFamilies } from "./processes.ts";
import { specificationFamilies } from "./specification.ts";

/** All metrics of containers, in the order in which they are announced. */
export const containerFamilies: ContainerFamilies = [
  ...cpuFamilies,
  ...memoryFamilies,
  ...pressureFamilies,
  ...diskFamilies,
  ...processFamilies,
  ...specificationFamilies,
];
