// SPDX-License-Identifier: Apache-2.0
// Takes away the masquerading of an attachment whose namespace is gone: the bridge plugin reads the addresses from the
// interface, and forgets its iptables rules when there is none (seen up to plugins 1.1.1).

import { createHash } from "node:crypto";
import { internal, toEngineError } from "../../../base/errors.ts";
import { findExecutable } from "../../../host/find-executable.ts";
import { runProgram } from "../../../linux/process/run-program.ts";
import type { AttachmentRecord } from "./attachment-records.ts";

const maximumChainLength = 28;

/** The plugins' name for the chain: CNI- and the beginning of a hash of network and container. */
export function masqueradeChain(network: string, sandboxId: string): string {
  const hash = createHash("sha512").update(`${network}${sandboxId}`).digest("hex");
  return `CNI-${hash}`.slice(0, maximumChainLength);
}

/** Does nothing when there is none. */
export async function removeMasquerade(record: AttachmentRecord, { signal }: { readonly signal: AbortSignal }) {
  if (!record.configuration.plugins.some(({ ipMasq }) => ipMasq === true)) return;
  const chain = masqueradeChain(record.request.network, record.request.sandboxId);
  const addresses = (record.result?.ips ?? []).map(({ address }) => address);
  for (const program of addresses.some((address) => address.includes(":")) ? ["iptables", "ip6tables"] : ["iptables"]) {
    try {
      if (!(await hasChain(program, chain, signal))) continue;
      for (const rule of (await nat(program, ["-S", "POSTROUTING"], signal)).split("\n")) {
        if (rule.endsWith(` -j ${chain}`)) await nat(program, deletion(rule), signal);
      }
      await nat(program, ["-F", chain], signal);
      await nat(program, ["-X", chain], signal);
    } catch (error) {
      signal.throwIfAborted();
      throw toEngineError(error, `remove the masquerading of sandbox ${record.request.sandboxId}`);
    }
  }
}

async function hasChain(program: string, chain: string, signal: AbortSignal): Promise<boolean> {
  try {
    await nat(program, ["-S", chain], signal);
    return true;
  } catch {
    // No such chain, or no iptables at all: then nothing can have made one.
    signal.throwIfAborted();
    return false;
  }
}

async function nat(program: string, options: readonly string[], signal: AbortSignal): Promise<string> {
  const search = `${process.env["PATH"] ?? "/usr/bin:/bin"}:/usr/sbin:/sbin`;
  const file = findExecutable(program, search);
  const parameters = ["-w", "-t", "nat", ...options];
  const result = await runProgram({ file, parameters, environment: { PATH: search } }, { signal });
  if (result.status === 0) return result.stdout.toString();
  throw internal(`${program} ${parameters.join(" ")}: ${result.stderr.toString().trim()}`);
}

/** The words of a rule as iptables -S prints it, as those that delete it; a comment is quoted with \" inside. */
function deletion(rule: string): readonly string[] {
  const words = [...rule.matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, plain]) => quoted?.replace(/\\(.)/g, "$1") ?? plain ?? "",
  );
  return ["-D", ...words.slice(1)];
}
