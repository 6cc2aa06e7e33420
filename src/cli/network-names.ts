// SPDX-License-Identifier: Apache-2.0

import type { Container } from "@berth/sdk";

type Attachment = Container["networks"][number];

/** The network's name as users know it: the default one is "bridge", whatever the daemon calls it. */
export function networkName({ config, networks }: Container, attachment: Attachment): string {
  const mode = config?.networkMode ?? "";
  const isDefault = attachment === networks[0] && (mode === "" || mode === "bridge" || mode === "default");
  return isDefault ? "bridge" : attachment.network;
}
