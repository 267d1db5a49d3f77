/**
 * Keeps the presence of an account: that of the config, and the changes that an owner asked for (T3).
 *
 * The store keeps a change together with the config's presence of that time. So it outlives a
 * restart, and a later change of the config ends it.
 */

import type { BotAccount } from "../account/account.ts";
import { perAccount } from "../account/per_account.ts";
import { z } from "zod";
import {
  type Activity,
  ACTIVITY_KINDS,
  type Presence,
  type PresenceStatus,
  STATUSES,
} from "../core/discord/gateway.ts";

/** The bot's status and activity, in Discord's words. */
export interface NewPresence {
  /** Absent: stays. */
  readonly status?: PresenceStatus;
  /** Absent: stays; `null` for none. */
  readonly activity?: Activity | null;
}

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

const presences = perAccount("gateway", () => ({} as { base: string; now: Presence }));

/**
 * Reads the presence that an account starts with.
 *
 * @throws {StoreError} If the store cannot be read.
 */
export async function recallPresence(account: BotAccount): Promise<void> {
  const { accountId, store, config } = account;
  const { status, activity } = config().discord.presence;
  const base: Presence = {
    status,
    activity: activity !== undefined ? { type: "custom", name: activity } : undefined,
  };
  const baseText = JSON.stringify(base);
  const written = await store.settings.settingOf(accountId, "account", "presence");
  const data = written === undefined ? undefined : storedSchema.safeParse(JSON.parse(written)).data;
  const now = data?.base === baseText ? data.presence : base;
  Object.assign(presences(account), { base: baseText, now });
}

export function presenceOf(account: BotAccount): Presence {
  return presences(account).now;
}

/**
 * Changes it: stored first, then shown.
 *
 * @throws {StoreError} If the disk fails; the old one then stays.
 */
export async function changePresence(account: BotAccount, change: NewPresence): Promise<void> {
  const { accountId, store, connection, now } = account;
  const state = presences(account);
  const { base, now: before } = state;
  const activity = change.activity === undefined ? before.activity : change.activity;
  const next: Presence = {
    status: change.status ?? before.status,
    activity: activity || undefined,
  };
  const written = JSON.stringify({ base, presence: next });
  await store.settings.change(accountId, "account", "presence", written, now());
  state.now = next;
  connection.setPresence(next);
}
