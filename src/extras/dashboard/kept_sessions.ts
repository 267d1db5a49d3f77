/** Stores the sessions that last a restart of the bot, each as a hash with its end (O6). */

import { z } from "zod";
import { toAccountId } from "../../core/discord/ids.ts";
import type { StoredSettings } from "../../store/settings/settings.ts";

const OF_BOT = [toAccountId(""), "bot", "dashboard"] as const;

const keptSchema = z.array(z.tuple([z.string(), z.number()]).readonly());

/** Hash of a session's token, and Unix time in milliseconds at which the session ends. */
export type KeptSessions = readonly (readonly [hash: string, endsAt: number])[];

export function createKeptSessions(settings: Pick<StoredSettings, "known" | "change">) {
  const text = () => settings.known(...OF_BOT);
  return {
    read: (): KeptSessions => keptSchema.parse(JSON.parse(text() ?? "[]")),
    async store(sessions: KeptSessions, now: number): Promise<void> {
      const next = sessions.length === 0 ? undefined : JSON.stringify(sessions);
      if (next !== text()) await settings.change(...OF_BOT, next, now);
    },
  };
}
