/** Reads pages of a channel's history for catch-up, in the gateway's form, the bot's own included. */

import type { BotAccount } from "../../account/account.ts";
import {
  type GuildId,
  type MessageId,
  parseSnowflake,
  type RoleId,
  type UserId,
} from "../../core/discord/ids.ts";
import type { InboundMessage, PostedMessage } from "../../core/inbound/inbound.ts";
import { decodeHistory, withRoles } from "../../discord/gateway/decode/decode.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { createReadHistory, MAX_HISTORY } from "../../discord/rest/requests/history.ts";
import { createReadRoles, type ReadRoles } from "../../discord/rest/requests/members.ts";
import type { MissedChannel, Page } from "./missed_reading.ts";

/** Catch-up yields to requests that people wait for. */
export const BACKGROUND = { priority: "background" } as const;

/** How long a member's roles are reused, in milliseconds. */
const ROLES_MS = 5 * 60 * 1_000;

/** Errors that a second request does not change. */
const REFUSED: ReadonlySet<string> = new Set(["forbidden", "not_found", "rejected"]);

/**
 * Only Discord's own refusal counts: a proxy or a captive portal sends no Discord error code, and
 * goes away.
 */
export function isRefused(error: unknown): boolean {
  return error instanceof RestError && error.code !== undefined && REFUSED.has(error.kind);
}

export function pagesOf(
  { accountId, store, policy, now, reader, rest, log }: BotAccount,
): (channel: MissedChannel, before?: MessageId) => Promise<Page> {
  const read = createReadHistory(rest, BACKGROUND);
  const rolesOf = remembered(createReadRoles(rest, BACKGROUND), now);

  /** Looks up authors' roles, which a channel's history does not contain. */
  async function withSender(event: PostedMessage): Promise<PostedMessage> {
    if (event.kind !== "message" || !needsRoles(event)) return event;
    const { guildId, sender } = event;
    return guildId ? withRoles(event, await rolesOf(guildId, sender.id), reader.index) : event;
  }

  function needsRoles({ place, sender }: InboundMessage): boolean {
    return place.kind === "guild" && sender.automaton === undefined && policy().asksRoles(place);
  }

  return async ({ id, guildId }, before) => {
    const { self, index } = reader;
    if (!self) throw new TypeError("Cannot read a channel's history before READY");
    const page = await read(id, { limit: MAX_HISTORY, before: before || undefined });
    const isGroup = guildId === undefined && await store.messages.isGroupChannel(accountId, id);
    const events: PostedMessage[] = [];
    for (const message of page) {
      const event = decodeHistory(message, guildId, { accountId, self, index }, isGroup);
      if (event?.kind === "problem") {
        log.warn("A missed message has an unknown form", { messageId: message.id, why: event.why });
      } else if (event) events.push(await withSender(event));
    }
    const oldest = parseSnowflake<"message">(page.at(-1)?.id ?? "") || undefined;
    return { events, isLast: page.length < MAX_HISTORY, oldest };
  };
}

/** Asks once for an author of many messages. */
function remembered(read: ReadRoles, now: () => number): ReadRoles {
  const known = new Map<string, { readonly roles: readonly RoleId[]; readonly until: number }>();
  return async (guildId: GuildId, userId: UserId) => {
    const key = `${guildId} ${userId}`;
    const before = known.get(key);
    if (before && now() < before.until) return before.roles;
    const roles = await read(guildId, userId);
    for (const [old, { until }] of known) if (until <= now()) known.delete(old);
    known.set(key, { roles, until: now() + ROLES_MS });
    return roles;
  };
}
