// SPDX-License-Identifier: Apache-2.0
// The log as the code sees it. The daemon gives it pino; tests give it silence or a recorder.

/** What a line says beside its message. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Four levels, fields first; a line is written in the background. */
export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** A logger whose lines carry these fields, such as { scope: "snapshot/overlay" }. */
  child(fields: LogFields): Logger;
}

/** Drops every line. */
export const silentLogger: Logger = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  child: () => silentLogger,
};
