// SPDX-License-Identifier: Apache-2.0
// The daemon's log: one JSON object a line on stderr, by pino.

import { destination, type Logger as PinoLogger, pino } from "pino";
import type { Logger } from "../base/log.ts";
import type { DaemonConfig } from "./config.ts";

export function openLogger(config: DaemonConfig["log"]): Logger {
  const logger = pino(
    {
      level: config.level,
      base: {},
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (level) => ({ level }) },
      // Under either name; what is a text already stays one. An Error as a plain object has no message.
      serializers: { err: pino.stdSerializers.err, error: pino.stdSerializers.err },
    },
    destination({ dest: 2, sync: true }),
  );
  return wrap(logger);
}

function wrap(logger: PinoLogger): Logger {
  return {
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    child: (fields) => wrap(logger.child(fields)),
  };
}
