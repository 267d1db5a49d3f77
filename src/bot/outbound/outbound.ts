/**
 * Sends on behalf of a running account: its channel queues, the progress of turns, and notices to
 * the owner about undelivered messages.
 */

import type { ChannelId, MessageId, UserId } from "../../core/discord/ids.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import type { RefusedChannel } from "../../core/account/events.ts";
import type { Delivery } from "../../core/outbound/delivery.ts";
import type { Button, Frozen, OutboxRow } from "../../core/outbound/outbound.ts";
import { DEFAULT_UPLOAD_LIMIT_BYTES } from "../../discord/gateway/decode/guild_index.ts";
import { createOpenDirect } from "../../discord/rest/requests/channel.ts";
import type { RestClient } from "../../discord/rest/client/client.ts";
import { isFinalRefusal } from "../../discord/rest/exchange/rest_error.ts";
import { composeOnce, composeSend } from "../../render/reply.ts";
import { createSecretFilter } from "../../render/safety/secrets.ts";
import type { PartsStatus } from "../../http/monitor/account_health.ts";
import { createBySecrets } from "../../lib/cache.ts";
import type { AccountContext } from "../account_context.ts";
import type { AccountOptions } from "../account_interface.ts";
import { createDelivery } from "./delivery.ts";
import { createFileNotices, createOwnerNotices } from "../../flows/owners/delivery_notices.ts";
import { createModelNotices } from "../../flows/owners/model_notices.ts";
import type { OwnerIds } from "../../flows/owners/owner_ids.ts";
import { createOwners } from "../../flows/owners/tell_owners.ts";
import { createSentWatch } from "../../flows/deliver/tool_messages.ts";
import { createTurnProgress } from "./turn_progress.ts";
import { refusedParts, type RunningSettings } from "../rules/setup.ts";
import { textRulesOf } from "../../flows/turn/turn_rules.ts";

/** Creates the outbound side of an account; it sends after `start`. */
export function createOutbound(
  account: AccountContext,
  { client, options: { logging }, owners: { toTell }, settings: running }: {
    readonly client: RestClient;
    readonly options: Pick<AccountOptions, "logging">;
    /** Receive notices about problems that only a person can fix. */
    readonly owners: Pick<OwnerIds, "toTell">;
    readonly settings: RunningSettings;
  },
) {
  const { accountId, config, store: { outbox, settings, usage }, schedule, now } = account;
  const { log } = account.forPart("delivery");
  const clean = createBySecrets(logging.secrets, createSecretFilter);
  const cleanSecrets = (text: string): string => clean(text).text;
  const rules = () =>
    textRulesOf(config(), { cleanSecrets, uploadLimit: DEFAULT_UPLOAD_LIMIT_BYTES });

  const { channelQueues, messages, explainNoFiles } = createDelivery({
    ...account,
    config: config(),
    outbox,
    client,
    self: () => account.self()?.userId,
    log,
  });
  const progress = createTurnProgress(account, {
    client,
    messages,
    secrets: logging.secrets,
    cleanSecrets,
  });
  const sent = createSentWatch(schedule);
  const openDirect = createOpenDirect(client);
  async function send(
    channelId: ChannelId,
    text: string,
    buttons: readonly Button[] = [],
  ): Promise<void> {
    const composed = withButtons(composeSend({ accountId, channelId, text }, rules()), buttons);
    await outbox.addAll(composed, now());
    channelQueues.wake([channelId]);
  }
  const owners = createOwners({
    ...{ ownerIds: toTell, openDirect, send, log },
    isRefused: isFinalRefusal,
  });

  const notices = createOwnerNotices({ schedule }, { tell: owners.tell });

  const modelNotices = createModelNotices({ log, now }, {
    tell: owners.tell,
    refused: () => refusedParts(running),
    problems: {
      load: () => usage.toldProblems(accountId),
      note: (problem) => usage.noteProblem(accountId, problem, now()),
      forget: () => usage.forgetProblems(accountId),
    },
    alerts: settings.alerts,
  });

  const fileNotices = createFileNotices({ log }, {
    wasTold: (channelId) => outbox.wasToldNoFiles(accountId, channelId, now()),
    noteTold: (channelId) => outbox.noteToldNoFiles(accountId, channelId, now()),
    explain: explainNoFiles,
    tell: notices.noFiles,
  });

  return {
    channelQueues,
    progress,
    /** Waits for the delivery of single messages. */
    sent,
    /** Removes the program's secrets from a text before it is posted. */
    cleanSecrets,
    start(): void {
      channelQueues.wake();
    },
    /** Messages wait for an answer. */
    accepted(judged: readonly Judged[]): void {
      const channels = new Set<ChannelId>();
      for (const { message, verdict } of judged) {
        channels.add(message.channelId);
        if (verdict.kind === "accept" && !message.triggered) {
          progress.accepted(message, verdict.why);
        }
      }
      for (const channelId of channels) channelQueues.heardFrom(channelId);
    },
    /** Messages have lost their turns: they need no sign that the bot has read them. */
    cut(messageIds: readonly MessageId[]): void {
      for (const messageId of messageIds) progress.cut(messageId);
    },
    /** Sends a text to a channel. Rejects if the store fails. */
    tellChannel: (channelId: ChannelId, text: string): Promise<void> => send(channelId, text),
    /** Sends a text to a channel, once for each key. Rejects if the store fails. */
    async tellOnce(channelId: ChannelId, text: string, key: string): Promise<void> {
      const frozen = composeOnce({ accountId, channelId, text }, `${accountId}:${key}`, rules());
      await outbox.addAll(frozen, now());
      channelQueues.wake([channelId]);
    },
    /** Sends a notice to the bot's owners; never rejects. */
    tellOwners: owners.tell,
    /** Sends a notice; rejects if no owner could be reached. */
    reachOwners: owners.reach,
    /**
     * Sends a text to a person, by direct message.
     *
     * @throws {RestError} If Discord opens no direct channel.
     */
    tellPerson: async (userId: UserId, text: string): Promise<void> =>
      await send(await openDirect(userId), text),
    /** A message of the outbox has its final result. */
    delivered(row: OutboxRow, end: Delivery): void {
      progress.delivered(row, end);
      if (end.kind === "created" || end.kind === "found") owners.delivered(row.message.channelId);
    },
    parked(channel: RefusedChannel): void {
      owners.parked(channel);
      notices.parked(channel);
    },
    /** Owners who get no notices, for health. */
    findings: owners.findings,
    /** Tells the owners about undelivered messages. */
    notices,
    /** Tells the owners where the bot may attach no files (R12a). */
    fileNotices,
    reconfigured(): void {
      progress.reconfigured();
      void owners.reconfigured();
    },
    /** A turn has ended, perhaps because of a problem that the owners must fix. */
    turnEnded: modelNotices.turnEnded,
    /** Delayed messages, and the state of requests. */
    status(): Pick<PartsStatus, "delayed" | "rest"> {
      const { invalidRequests, breaker, limitedMs } = client.status();
      return { delayed: channelQueues.delayed(), rest: { invalidRequests, breaker, limitedMs } };
    },
    /** Stops everything but the channel queues, which stop separately. */
    stop: notices.flush,
  };
}

export type Outbound = ReturnType<typeof createOutbound>;

/** Places the reaction below the last message, where readers look. */
function withButtons(composed: readonly Frozen[], buttons: readonly Button[]): readonly Frozen[] {
  if (buttons.length === 0) return composed;
  const last = composed.length - 1;
  return composed.map((frozen, index) =>
    index === last ? { ...frozen, message: { ...frozen.message, buttons } } : frozen
  );
}
