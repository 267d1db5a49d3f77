/** The requests of deliveries that look into a channel: its history, and why Discord refuses. */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { OutboundMessage, OutboxRow } from "../../core/outbound/outbound.ts";
import type { MissingHere } from "../../core/outbound/delivery.ts";
import {
  createCanReadHistory,
  createExplainDenial,
  explainCode,
  namesPermission,
  neededToPost,
} from "../../discord/rest/permissions/denial.ts";
import { readPlace } from "../../discord/rest/requests/guild_reads.ts";

/** Permissions that are asked for at the same time share their requests. */
const permissions = perAccount("delivery", ({ rest, now }) => ({
  explainDenial: createExplainDenial(rest, now),
  canReadHistory: createCanReadHistory(rest),
}));

export interface Explained {
  readonly missing: MissingHere;
  /** For people: the missing permission by name; absent if only Discord's words are known. */
  readonly reason?: string;
}

/**
 * Whether the bot has the permission. Without it, Discord shows an empty history, not an error.
 *
 * @throws {RestError} If Discord does not answer.
 */
export async function canReadHistory(
  account: BotAccount,
  message: OutboundMessage,
): Promise<boolean> {
  const userId = account.self()?.userId;
  if (userId === undefined) return false;
  return await permissions(account).canReadHistory({ ...await placeOf(account, message), userId });
}

/**
 * Finds the missing permission of a refused row, and its cause.
 *
 * @param code Discord's error code; absent if it sent none.
 * @throws {RestError} If Discord does not answer.
 */
export async function explainRefusal(
  account: BotAccount,
  { message, fileCount }: OutboxRow,
  code: number | undefined,
): Promise<Explained> {
  const words = code === undefined ? undefined : explainCode(code);
  const byCode = words === undefined ? {} : { reason: words };
  const userId = account.self()?.userId;
  if (userId === undefined) return { missing: "unknown", ...byCode };
  const { quote } = message;
  const needed = neededToPost({ hasFiles: fileCount > 0, isQuote: quote !== undefined });
  const place = await placeOf(account, message);
  const denial = await permissions(account).explainDenial({ ...place, userId }, needed);
  if (denial) {
    const missing = denial.permission === "Attach Files" ? "files" : "other";
    return { missing, reason: denial.text };
  }
  if (!("guildId" in place)) return { missing: "unknown", ...byCode };
  return { missing: "none", ...(code !== undefined && !namesPermission(code) && byCode) };
}

/** The place of a message. A message that answers no other may lack its guild. */
async function placeOf({ rest }: BotAccount, { channelId, guildId, of }: OutboundMessage) {
  const inGuild = guildId === undefined && !of
    ? await readPlace(rest, channelId)
    : guildId === undefined
    ? {}
    : { guildId };
  return { channelId, ...inGuild };
}
