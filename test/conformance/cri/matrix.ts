// SPDX-License-Identifier: Apache-2.0
// Which runs there are: each OCI runtime, one spec after the other and several at once, over SPDY and over WebSocket.

export const runtimes = ["runc", "crun"] as const;
export type Runtime = (typeof runtimes)[number];

export interface Run {
  /** Also of its report. */
  readonly name: string;
  readonly runtime: Runtime;
  readonly isParallel: boolean;
  /** What exec, attach and port forwarding go over. */
  readonly streaming: "spdy" | "websocket";
}

export const matrix: readonly Run[] = runtimes.flatMap((runtime) =>
  [false, true].flatMap((isParallel) =>
    (["spdy", "websocket"] as const).map((streaming) => ({
      name: `${runtime}-${isParallel ? "parallel" : "serial"}-${streaming}`,
      runtime,
      isParallel,
      streaming,
    })),
  ),
);

/** The runs of a list of names, separated by commas or spaces; all when it is empty. */
export function selectRuns(list: string): readonly Run[] {
  const names = list.split(/[\s,]+/).filter((name) => name !== "");
  const unknown = names.filter((name) => !matrix.some((run) => run.name === name));
  if (unknown.length > 0) {
    throw new Error(`there is no run ${unknown.join(", ")}; there are ${matrix.map(({ name }) => name).join(", ")}`);
  }
  return names.length === 0 ? matrix : matrix.filter(({ name }) => names.includes(name));
}
