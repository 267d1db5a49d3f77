/** Starts the log of a run: on stderr, and in `log.file`. */

import { homedir } from "node:os";
import { resolve } from "node:path";
import type { BotConfig } from "../../config/config.ts";
import { prepareDataDir } from "../../host/files/data_dir.ts";
import { openLogFile } from "../../host/files/log_file.ts";
import {
  createStderrWriter,
  inBatches,
  type Logging,
  type LogLevel,
  type LogSettings,
  startLog,
} from "../../log.ts";
import { withHome } from "../../lib/env.ts";
import type { Io } from "../terminal/io.ts";

/** Options of `run` for its log. */
interface LogFlags {
  readonly json: boolean;
  readonly connectionDebug: boolean;
}

export function startLogging(flags: LogFlags, config: BotConfig, dataDir: string, io: Io): Logging {
  const onFailed = (error: unknown) => logging.forPart("main").warn(FILE_FAILS, { error });
  const logging: Logging = startLog({
    level: levelOf(flags, config),
    format: isForPeople(flags, io) ? "human" : "json",
    isColoured: io.errStyle.isOn,
    write: createStderrWriter(),
    writeToFile: toLogFile(config, dataDir, onFailed),
  });
  return logging;
}

const FILE_FAILS = "Cannot write to log.file; its lines are lost until this succeeds";

/** Opens `log.file`. A bot without it answers all the same, so a failure is only logged. */
function toLogFile(
  { log: { file, fileMaxMb } }: BotConfig,
  dataDir: string,
  onFailed: (error: unknown) => void,
): LogSettings["writeToFile"] {
  if (file === undefined) return undefined;
  try {
    prepareDataDir(dataDir);
    const path = resolve(dataDir, withHome(file, homedir()));
    return inBatches(openLogFile({ path, maxBytes: fileMaxMb * 1e6, onFailed }));
  } catch (error) {
    queueMicrotask(() => onFailed(error)); // the log does not exist yet
    return undefined;
  }
}

/** Whether the log on stderr is for people, and not for a program. */
export function isForPeople({ json }: LogFlags, { isTerminal }: Io): boolean {
  return isTerminal && !json;
}

export function levelOf(
  { connectionDebug }: Pick<LogFlags, "connectionDebug">,
  { log }: Pick<BotConfig, "log">,
): LogLevel {
  return connectionDebug ? "connection_debug" : log.level;
}
