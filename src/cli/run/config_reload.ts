/**
 * Reloads the config of a running bot (C9).
 *
 * @module
 */

import { createHash } from "node:crypto";
import type { Bot, BotOptions, Setup } from "../../bot.ts";
import type { Watchdog } from "../../http/monitor/watchdog.ts";
import type { Loaded, LoadedConfig } from "../../config/load.ts";
import type { Problem } from "../../config/text/problem.ts";
import { InstanceTakenError } from "../shared/sole_instance.ts";
import { createReload } from "./reload.ts";
import type { FoundSetup } from "./setup.ts";

/** The config of a running bot, and how it is read again. */
export interface ConfigReloadOptions {
  /** The config at the start. */
  readonly loaded: LoadedConfig;
  /** The logs of the process. */
  readonly logging: BotOptions["logging"];
  /** Finds, reads and checks the config again. */
  readonly readAgain: () => Promise<Loaded>;
  /** Finds tokens, model and API of a config's accounts, and takes their locks. */
  readonly prepare: (loaded: LoadedConfig) => Promise<FoundSetup>;
  /** Called once a config applies; `connected` resolves when its accounts are connected. */
  readonly applied: (setup: Setup, connected: Promise<void>) => void;
}

/** Creates the function that reads the config again and applies it (C9). */
export function createConfigReload(
  bot: Bot,
  { loaded, logging, readAgain, prepare, applied }: ConfigReloadOptions,
  watchdog: Watchdog,
): () => Promise<void> {
  let revision = revisionOf(loaded);
  let loadedAt = Date.now();
  let since: number | undefined;
  const setConfig = (problem?: string): void => {
    since = problem === undefined ? undefined : since ?? Date.now();
    bot.setConfig({
      revision,
      loadedAt,
      problem,
      since,
    });
  };
  setConfig();
  return createReload({
    read: readAgain,
    running: loaded,
    async apply(next, { accounts }) {
      const result = await prepare(next).catch((error: unknown): FoundSetup => {
        if (!(error instanceof InstanceTakenError)) throw error;
        const problem: Problem = { severity: "error", path: "", message: error.message };
        return { kind: "problems", problems: [problem] };
      });
      if (result.kind === "problems") return result.problems;
      revision = revisionOf(next);
      loadedAt = Date.now();
      const { connected } = await bot.apply(result.setup, accounts);
      applied(result.setup, connected);
      return [];
    },
    onState: setConfig,
    onBegin: watchdog.reloading,
    onEnd: watchdog.reloaded,
    log: logging.forPart("config"),
  });
}

/** A hash of the file's text, in which secrets are blanked. */
function revisionOf({ text = "" }: LoadedConfig): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 12);
}
