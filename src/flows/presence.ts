/**
 * Keeps the presence of an account: that of the config, and the changes that an owner asked for (T3).
 *
 * The store keeps a change together with the config's presence of that time. So it outlives a
 * restart, and a later change of the config ends it.
 */

import type { BotAccount } from "../account/account.ts";
import { z } from "zod";
import { ACTIVITY_KINDS, type Presence, STATUSES } from "../core/discord/presence.ts";
import type { NewPresence } from "../core/turn/ports/discord_place.ts";

const presenceSchema: z.ZodType<Presence> = z.lazy(() =>
  z.object({
    status: z.enum(STATUSES),
    activity: z.object({
      type: z.enum(ACTIVITY_KINDS),
      name: z.string(),
      url: z.string().optional(),
    }).optional(),
  })
);
const storedSchema = z.lazy(() => z.object({ base: z.string(), presence: presenceSchema }));

/**
 * Reads the presence that an account starts with.
 *
 * @throws {StoreError} If the store cannot be read.
 */
export async function createAccountPresence(
  { accountId, configured, store: { settings }, show, now }:
    & Pick<BotAccount, "accountId" | "now" | "store">
    & {
      /** The presence of the config: the status, and a text beside it. */
      readonly configured: { readonly status: Presence["status"]; readonly activity?: string };
      readonly show: (presence: Presence) => void;
    },
) {
  const { status, activity } = configured;
  const base: Presence = {
    status,
    activity: activity !== undefined ? { type: "custom", name: activity } : undefined,
  };
  const baseText = JSON.stringify(base);
  let presence = read(await settings.settingOf(accountId, "account", "presence"));

  function read(written: string | undefined): Presence {
    if (written === undefined) return base;
    const { data } = storedSchema.safeParse(JSON.parse(written));
    return data?.base === baseText ? data.presence : base;
  }

  return {
    current: (): Presence => presence,
    /**
     * Changes it: stored first, then shown.
     *
     * @throws {StoreError} If the disk fails; the old one then stays.
     */
    async set(change: NewPresence): Promise<void> {
      const { activity: before } = presence;
      const activity = change.activity === undefined ? before : change.activity;
      const next: Presence = {
        status: change.status ?? presence.status,
        activity: activity || undefined,
      };
      const stored = { base: baseText, presence: next };
      await settings.change(accountId, "account", "presence", JSON.stringify(stored), now());
      presence = next;
      show(next);
    },
  };
}
