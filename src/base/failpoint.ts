// SPDX-License-Identifier: Apache-2.0
// Named places where a test can make an operation fail or stop half-way. Nothing is armed in production unless the
// environment variable that the daemon reads says so.

import { EngineError, invalidArgument } from "./errors.ts";

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

/** What the environment variable can ask for: fail there, or be killed there. */
export type FailpointAction = "throw" | "kill";

/** Parses "name=throw,name=kill". */
export function parseFailpoints(text: string): ReadonlyMap<string, FailpointAction> {
  const actions = new Map<string, FailpointAction>();
  for (const part of text.split(",").filter((piece) => piece !== "")) {
    const [name = "", action = ""] = part.split("=");
    if (name === "" || (action !== "throw" && action !== "kill"))
      throw invalidArgument(`invalid failpoint ${part}: use name=throw or name=kill`);
    actions.set(name, action);
  }
  return actions;
}
