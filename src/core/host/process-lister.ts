// SPDX-License-Identifier: Apache-2.0
// The processes of this machine, as people know them from ps(1).

export interface ProcessLister {
  /** What ps prints with these parameters; invalid-argument with its complaint, failed-precondition when there is none. */
  list(parameters: readonly string[], options: { readonly signal: AbortSignal }): Promise<string>;
}
