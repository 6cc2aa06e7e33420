// SPDX-License-Identifier: Apache-2.0
// The credentials that come with a pull.

import { defined } from "../../../base/defined.ts";
import { invalidArgument } from "../../../base/errors.ts";
import type { RegistryCredentials } from "../../../core/transfer/registry.ts";
import type { AuthConfig } from "../../../gen/runtime/v1/api_pb.js";
import type { Reference } from "../../../oci/reference/reference.ts";
import { registryDomain } from "../../../oci/reference/registry-domain.ts";

/** undefined for an anonymous pull, which it also is when the credentials are for another registry. */
export function credentialsFor(
  { domain }: Reference,
  auth: Omit<AuthConfig, "$typeName" | "$unknown"> | undefined,
): RegistryCredentials | undefined {
  if (auth === undefined) return undefined;
  if (auth.serverAddress !== "" && registryDomain(auth.serverAddress) !== domain) return undefined;
  const { username, password, identityToken, registryToken } = auth;
  const user = username === "" && auth.auth !== "" ? userIn(auth.auth) : { username, password };
  const credentials = defined({
    username: user.username || undefined,
    password: user.password || undefined,
    identityToken: identityToken || undefined,
    registryToken: registryToken || undefined,
  });
  return Object.keys(credentials).length === 0 ? undefined : credentials;
}

/** What stands in the auth field: user name, colon and password in Base64; some pad the password with zero bytes. */
function userIn(auth: string): { readonly username: string; readonly password: string } {
  const isBase64 = /^[A-Za-z0-9+/]*={0,2}$/.test(auth) && auth.length % 4 === 0;
  const text = isBase64 ? Buffer.from(auth, "base64").toString("utf8") : "";
  const colon = text.indexOf(":");
  // Not quoted: it is a secret.
  if (colon === -1) throw invalidArgument("the auth of the credentials is not user:password in Base64");
  return { username: text.slice(0, colon), password: text.slice(colon + 1).replace(/^\0+|\0+$/g, "") };
}
