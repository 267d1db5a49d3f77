/**
 * Tells owners of trouble (O12). The watch loads some seconds after the start, which needs none of its
 * code; at once if the bot ends by itself.
 */

import type { AlertRecord } from "../../core/finding.ts";
import type { Bot } from "../../account/account.ts";
import type { Problem } from "../../config/text/problem.ts";
import type { Feature, JudgedConfig } from "../feature.ts";
import { alerts as keys } from "./config.ts";
import { schedule } from "../../lib/clock.ts";
import { createLoader } from "../../lib/cache.ts";
import type { Watch } from "../../account/features.ts";

async function problems(judged: JudgedConfig): Promise<readonly Problem[]> {
  if (judged.settings.alerts?.webhook === undefined) return [];
  return (await import("./problems.ts")).webhookProblems(judged);
}

export const alerts = {
  config: { alerts: keys },
  problems,
  watch: watchProcess,
} satisfies Feature;

/** Milliseconds after the start. */
const LOAD_MS = 3_000;

function watchProcess(bot: Bot): Watch {
  let loaded: Watch | undefined;
  let isStopped = false;
  const loader = createLoader(async () => {
    const { startAlerts } = await import("./watch.ts");
    return loaded = startAlerts(bot, schedule);
  });
  const load = async (): Promise<Watch | undefined> => {
    try {
      return isStopped ? undefined : await loader.get();
    } catch (error) {
      bot.logging.forPart("health").error("Cannot watch for alerts", { error });
      return undefined;
    }
  };
  const cancel = schedule(() => void load(), LOAD_MS);
  return {
    open: (): readonly AlertRecord[] => loaded?.open() ?? [],
    lastLook: async (): Promise<void> => await (await load())?.lastLook(),
    async stop(): Promise<void> {
      isStopped = true;
      cancel();
      await (await loader.loading())?.stop();
    },
  };
}
