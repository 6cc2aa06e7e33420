// SPDX-License-Identifier: Apache-2.0

/** What a user proves itself with; identityToken and registryToken stand instead of a password. */
export interface StoredCredentials {
  readonly username?: string;
  readonly password?: string;
  readonly identityToken?: string;
  readonly registryToken?: string;
}
