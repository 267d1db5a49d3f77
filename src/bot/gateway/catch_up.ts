/** Connects catch-up with its sources: the guild index, Discord's history and the store. */

import type { AccountContext } from "../account_context.ts";
import type { AccountOptions } from "../account_interface.ts";
import {
  type GuildId,
  type MessageId,
  parseSnowflake,
  type RoleId,
  type UserId,
} from "../../core/discord/ids.ts";
import type { InboundMessage, PostedMessage } from "../../core/inbound/inbound.ts";
import { decodeHistory, withRoles } from "../../discord/gateway/decode/decode.ts";
import { placesOf } from "../../discord/gateway/decode/places.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { createReadHistory, MAX_HISTORY } from "../../discord/rest/requests/history.ts";
import { createReadRoles, type ReadRoles } from "../../discord/rest/requests/members.ts";
import { createMissingReadPermissions } from "../../discord/rest/permissions/explain_denial.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { type CatchUp, type CatchUpPorts, createCatchUp } from "../../flows/catch_up/catch_up.ts";
import type { Page } from "../../flows/catch_up/missed_reading.ts";
import type { Log } from "../../lib/log.ts";
import { messageLink } from "../../core/turn/decided_action.ts";
import { tellOnce } from "../../flows/tell.ts";

/** Catch-up yields to requests that people wait for. */
const BACKGROUND = { priority: "background" } as const;

/** How long a member's roles are reused, in milliseconds. */
const ROLES_MS = 5 * 60 * 1_000;

/** Creates an account's catch-up; it reads nothing before `resume`. */
export function createAccountCatchUp(
  account: AccountContext,
  { reader, client, inbound, missedEvents, options: { stored } }: {
    readonly reader: Reader;
    readonly client: RestClient;
    readonly inbound: Pick<CatchUpPorts, "acceptHistory">;
    readonly missedEvents: CatchUpPorts["missedEvents"];
    /** Its shard count is that of the last connection, until `setShardCount` is called. */
    readonly options: Pick<AccountOptions, "stored">;
  },
): CatchUp {
  const { accountId, store, policy, schedule, random } = account;
  const { log } = account.forPart("catch-up");
  let { shardCount = 1 } = stored;
  const { catchUp: rules } = account.config().discord.gateway; // a change takes a restart
  const readPermissions = createMissingReadPermissions(client, BACKGROUND);
  const catchUp = createCatchUp({
    acceptHistory: inbound.acceptHistory,
    missedEvents,
    account,
    accountId,
    isEnabled: rules.enabled,
    limits: { maxAgeMs: rules.maxAgeMin * 60_000, maxPerChannel: rules.maxPerChannel },
    store,
    places: (shardId, planned) => placesOf(reader.index, { shardId, shardCount, planned }),
    mayAct: (place) => policy().mayAct(place),
    get mayActInDirect() {
      return policy().mayActInDirect;
    },
    readPage: pagesOf(account, reader, client, log),
    async isRecorded(messageId) {
      return await store.messages.messageRecordOf({ messageId }) !== undefined;
    },
    readPermissions(guildId) {
      const { self } = reader;
      if (!self) throw new TypeError("Cannot look at a guild before READY");
      return readPermissions(guildId, self.userId);
    },
    isRefused,
    tellUnread(channel, before, key) {
      const link = messageLink({ ...channel, channelId: channel.id, id: before });
      const text = `I was away, and have not read the messages before ${link}. If you asked me ` +
        "something there, please ask again.";
      return tellOnce(account, channel.id, text, `unread:${key}`);
    },
    now: client.discordNow,
    schedule,
    random,
    log,
  });
  return {
    ...catchUp,
    setShardCount(count) {
      shardCount = count;
      catchUp.setShardCount(count);
    },
  };
}

/** Errors that a second request does not change. */
const REFUSED: ReadonlySet<string> = new Set(["forbidden", "not_found", "rejected"]);

/**
 * Only Discord's own refusal counts: a proxy or a captive portal sends no Discord error code, and
 * goes away.
 */
function isRefused(error: unknown): boolean {
  return error instanceof RestError && error.code !== undefined && REFUSED.has(error.kind);
}

/** Reads a channel's missed messages in the gateway's form, the bot's own included. */
function pagesOf(
  { accountId, store, policy, now }: AccountContext,
  reader: Reader,
  client: RestClient,
  log: Log,
): CatchUpPorts["readPage"] {
  const read = createReadHistory(client, BACKGROUND);
  const rolesOf = remembered(createReadRoles(client, BACKGROUND), now);

  /** Looks up authors' roles, which a channel's history does not contain. */
  async function withSender(event: PostedMessage): Promise<PostedMessage> {
    if (event.kind !== "message" || !needsRoles(event)) return event;
    const { guildId, sender } = event;
    return guildId ? withRoles(event, await rolesOf(guildId, sender.id), reader.index) : event;
  }

  function needsRoles({ place, sender }: InboundMessage): boolean {
    return place.kind === "guild" && sender.automaton === undefined && policy().asksRoles(place);
  }

  return async ({ id, guildId }, before): Promise<Page> => {
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
    const oldest = oldestOf(page);
    return { events, isLast: page.length < MAX_HISTORY, oldest: oldest || undefined };
  };
}

function oldestOf(said: readonly { readonly id: string }[]): MessageId | undefined {
  return parseSnowflake<"message">(said.at(-1)?.id ?? "");
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
