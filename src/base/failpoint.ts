// SPDX-License-Identifier: Apache-2.0
// Named places where a test can make an operation fail or stop half-way. Nothing is armed in production unless the
// environment variable that the daemon reads says so.

import { EngineError } from "./errors.ts";

type Action = () => void | Promise<void>;
const armed = new Map<string, Action>();

/** Runs what was armed under the name; free when nothing was. */
export async function failpoint(name: string): Promise<void> {
  if (armed.size === 0) return;
  await armed.get(name)?.();
}

/** Arms a failpoint; dispose the result to disarm. Without an action it throws an internal error. */
export function armFailpoint(name: string, action?: Action): Disposable {
  const fail = () => {
    throw new EngineError("internal", `failpoint ${name}`);
  };
  armed.set(name, action ?? fail);
  return { [Symbol.dispose]: () => void armed.delete(name) };
}
