// SPDX-License-Identifier: Apache-2.0
// Failures of system calls by the names of their errno, and the most frequent of them: a file that is not there.

/** Whether a system call failed with one of these, such as "ENOENT"; the error may come from Node or from our own calls. */
export function hasErrno(error: unknown, ...names: readonly string[]): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === "string" && names.includes(code);
}

/** The result, or undefined when the file is not there. */
export async function ifThere<T>(promise: Promise<T>): Promise<T | undefined> {
  try {
    return await promise;
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** The same of a synchronous call. */
export function ifThereSync<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch (error) {
    if (hasErrno(error, "ENOENT")) return undefined;
    throw error;
  }
}
