// SPDX-License-Identifier: Apache-2.0
// Pressure stall information: how long processes waited for a resource (Documentation/accounting/psi.rst of Linux).

/** Waiting of one kind; averages are percent of the time. */
export interface PressureLine {
  readonly totalMicroseconds: number;
  readonly average10: number;
  readonly average60: number;
  readonly average300: number;
}

/** some: at least one task waited; full: all of them did. */
export interface Pressure {
  readonly some?: PressureLine;
  readonly full?: PressureLine;
}

const line = /^(some|full) avg10=([\d.]+) avg60=([\d.]+) avg300=([\d.]+) total=(\d+)$/gm;

/** Reads cpu.pressure, memory.pressure or io.pressure; kernels before 5.13 have no full line for the processor. */
export function parsePressure(text: string): Pressure {
  const lines = Array.from(text.matchAll(line), ([, kind, average10, average60, average300, total]) => [
    kind,
    {
      totalMicroseconds: Number(total),
      average10: Number(average10),
      average60: Number(average60),
      average300: Number(average300),
    },
  ]);
  return Object.fromEntries(lines) as Pressure;
}
