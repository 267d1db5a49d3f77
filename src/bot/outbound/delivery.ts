/**
 * Delivers an account's messages: its outbox, the channel queues that empty it, and the reports of
 * undelivered messages.
 */

import { uptime } from "node:os";
import type { Config } from "../../config/config.ts";
import type { OutboundMessage, OutboxRow } from "../../core/outbound/outbound.ts";
import { createReadChannel } from "../../discord/rest/requests/channel.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import {
  explainCode,
  namesPermission,
  neededToPost,
} from "../../discord/rest/permissions/denial.ts";
import {
  createCanReadHistory,
  createExplainDenial,
} from "../../discord/rest/permissions/explain_denial.ts";
import { createReadHistory, createReadPosted } from "../../discord/rest/requests/history.ts";
import { createMessages } from "../../discord/rest/requests/messages.ts";
import { createChannelQueues } from "../../flows/deliver/channel_queues.ts";
import type { Explained, Sending } from "../../flows/deliver/sending.ts";
import { schedule } from "../../lib/clock.ts";
import { withoutFiles } from "../../render/files.ts";
import type { Store } from "../../store/store.ts";

/** The settings and dependencies of an account's delivery. */
interface DeliveryOptions extends Pick<Sending, "events" | "self" | "log" | "now"> {
  readonly config: Config;
  readonly outbox: Store["outbox"];
  readonly client: RestClient;
}

export function createDelivery(options: DeliveryOptions) {
  const { config: { discord }, outbox, client, self, events, now, log } = options;
  const messages = createMessages(client);
  const explainDenial = createExplainDenial(client, now);
  const canReadHistory = createCanReadHistory(client);
  const readChannel = createReadChannel(client);

  /** The place of a message. A message that answers no other may lack its guild. */
  async function placeOf(
    { channelId, guildId, of }: Pick<OutboundMessage, "channelId" | "guildId" | "of">,
  ) {
    const inGuild = guildId === undefined && !of
      ? await readChannel(channelId)
      : guildId === undefined
      ? {}
      : { guildId };
    return { channelId, ...inGuild };
  }

  async function explain(
    { message, fileCount }: OutboxRow,
    code: number | undefined,
  ): Promise<Explained> {
    const words = code === undefined ? undefined : explainCode(code);
    const byCode = words === undefined ? {} : { reason: words };
    const userId = self();
    if (userId === undefined) return { missing: "unknown", ...byCode };
    const { quote } = message;
    const needed = neededToPost({ hasFiles: fileCount > 0, isQuote: quote !== undefined });
    const place = await placeOf(message);
    const denial = await explainDenial({ ...place, userId }, needed);
    if (denial) {
      const missing = denial.permission === "Attach Files" ? "files" : "other";
      return { missing, reason: denial.text };
    }
    if (!("guildId" in place)) return { missing: "unknown", ...byCode };
    return { missing: "none", ...(code !== undefined && !namesPermission(code) && byCode) };
  }

  const channelQueues = createChannelQueues({
    events,
    accountId: discord.accountId,
    outbox,
    messages,
    history: createReadPosted(createReadHistory(client)),
    async canReadHistory(place) {
      const userId = self();
      return userId !== undefined && await canReadHistory({ ...await placeOf(place), userId });
    },
    self,
    explain,
    withoutFiles: (message, names) => withoutFiles(message, names),
    nonceWindowMs: discord.rest.nonceWindowSec * 1_000,
    steadyNow: () => performance.now(),
    bootedAt: () => now() - uptime() * 1_000,
    retry: discord.retry,
    now,
    schedule,
    random: Math.random,
    log,
  });
  return {
    channelQueues,
    messages,
  };
}
