/**
 * Handles a gateway's batches up to stored messages.
 *
 * It judges and stores messages. Senders without access get a pairing code, and owners are asked
 * about them. PluralKit is asked about webhooks, names in the config are resolved to ids, and
 * owners learn of a guild that the config does not allow.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import type { ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import { createAcceptor } from "../../flows/receive/accept.ts";
import { createChallenges, createPairingService } from "../../flows/receive/challenge.ts";
import { createOwnerGuilds } from "../../flows/receive/owner_guilds.ts";
import { stopRequestOf, waitingRulesOf } from "../../flows/receive/notice_reply.ts";
import { createPluralkit } from "../../flows/receive/pluralkit.ts";
import { createEmitter } from "../../lib/emitter.ts";
import { schedule } from "../../lib/clock.ts";
import { createInteractionHandlers } from "../commands/interactions.ts";
import { createPermitReaction } from "../../flows/judging/permit_reaction.ts";
import { createPluralkitLookUp } from "../../pluralkit/look_up.ts";
import type { Log } from "../../lib/log.ts";
import type { Store } from "../../core/store/store.ts";
import type { Inbound, InboundEvents, InboundOptions } from "./inbound_interface.ts";
import { createNameResolver } from "./names.ts";

const GUILDS = "channels.discord.guilds";

/**
 * Connects the inbound flows. The function is long because each port of each flow stands here once.
 */
export function createInbound(options: InboundOptions): Inbound {
  const { config, store, reader, policy, outbound, threads, meter, memory, logging } = options;
  const { isOurs, isOwner, judging, now } = options;
  const { judge, route, presence, proxied } = judging;
  const { accountId } = config().discord;
  const common = { accountId, schedule, random: Math.random, now };
  const texts = () => config().texts;
  const events = createEmitter<InboundEvents>();
  const onAccepted = (judged: readonly Judged[]) =>
    void (judged.length > 0 && events.emit.accepted(judged));

  const waiting = () => waitingRulesOf(config().messages.queue, texts());
  const onRefused = (channels: readonly ChannelId[]): void => {
    logging.forPart("inbox").info("Too many turns wait, so some messages get no answer", {
      channels,
    });
    outbound.channelQueues.wake(channels);
  };

  const ownerGuilds = createOwnerGuilds({
    ...common,
    inbox: store.inbox,
    asked: store.pairing,
    isNeeded: () => policy.now().policy.needsOwnerInGuild === true,
    ask: presence.ask,
    judge: judge.judge,
    route,
    waiting,
    onAccepted,
    onRefused,
    tellOwners: (text) => outbound.reachOwners(text),
    guildsPath: () => policy.now().policy.ruleOf(GUILDS),
    texts,
    log: logging.forPart("access"),
  });
  const lookUp = createPluralkitLookUp(() => config().discord.pluralkit, options);
  const pluralkit = createPluralkit({
    ...common,
    store: store.inbox,
    lookUp: lookUp.lookUp,
    ruleOf: (path) => policy.now().policy.ruleOf(path),
    judge: judge.judge,
    route,
    waiting,
    onAccepted,
    proxied,
    onUndecided: ownerGuilds.undecided,
    onRefused,
    log: logging.forPart("pluralkit"),
  });
  const challenges = createChallenges({ ...common, texts, log: logging.forPart("pairing") }, {
    store: store.pairing,
    tellOwners: (text, buttons) => outbound.reachOwners(text, { buttons }),
  });
  const interactions = createInteractionHandlers(options.account, {
    ...options,
    waiting,
    onRefused,
    onAsked: () => events.emit.asked(),
    async stopTurns(scope) {
      const touched = await store.inbox.stopTurns(scope, now());
      const { channelId } = scope;
      if (touched.length > 0) {
        const channels = channelId === undefined ? [] : [channelId];
        events.emit.touched({ touched, cut: touched, channels });
        if (channelId === undefined) outbound.channelQueues.wake(); // drafts anywhere
      }
      return touched.length;
    },
  });
  const withdrawNotes = createWithdrawNotes(store.notes, logging.forPart("memory"));
  const names = createNameResolver(options);
  const acceptor = createAcceptor({
    store,
    judge: (message, source) => judge.judge(message, {}, source),
    route,
    stop: (message) => stopRequestOf(message, isOwner, texts),
    permitReaction: createPermitReaction({ policy: policy.now, isOurs, ownerIn: presence.known }),
    pairing: createPairingService({ draw: randomBytes, texts }),
    waiting,
    now,
    schedule,
    log: logging.forPart("inbox"),
    on: {
      own_message: ({ channelId }) => judge.recordOwn(channelId),
      ...interactions.on,
      messages_deleted({ messageIds }) {
        pluralkit.deleted(messageIds);
        withdrawNotes(messageIds);
      },
      guild_joined({ guild }) {
        names.joined(guild);
        ownerGuilds.joined(guild);
      },
      renamed: names.renamed,
      thread_members_changed: ({ threadId, ...change }) => threads.membersChanged(threadId, change),
      permissions_changed: ({ guildId }) => outbound.channelQueues.permissionsChanged(guildId),
    },
    committed: (ticket) => events.emit.committed(ticket),
    onSessionDue: (shardId) => events.emit.sessionDue(shardId),
    onSessionStarting: (shardId) => events.emit.sessionStarting(shardId),
    onSessionStarted(shardId) {
      interactions.ready(); // READY has named the application
      events.emit.sessionStarted(shardId);
    },
    onAccepted,
    onUndecided(judged) {
      pluralkit.undecided(judged);
      ownerGuilds.undecided(judged);
    },
    onChallenged(requests) {
      outbound.channelQueues.wake(requests.map(({ channelId }) => channelId)); // their codes
      challenges.challenged(requests);
    },
    onRefused,
    onTouched: (changed) => events.emit.touched(changed),
    onSettled: outbound.channelQueues.settled,
    onForeign: (found) => events.emit.foreign(found),
    onStored: meter.stored,
  });

  const endTasks = () =>
    Promise.all(
      [pluralkit, ownerGuilds, challenges, names, interactions].map((one) => one.stop()),
    );
  // A task whose request Barnacle itself cancels must not report a failure.
  options.account.stopping.addEventListener("abort", () => void endTasks(), { once: true });

  return {
    commands: interactions.commands,
    acceptHistory: acceptor.acceptHistory,
    connect: events.connect,
    async start() {
      // Proxied users and threads must be loaded before any message is judged.
      await Promise.all([pluralkit.start(), threads.start()]);
      challenges.start();
    },
    take(batch) {
      const read = reader.read(batch);
      acceptor.accept(read);
      memory.read(read.bytes);
      if (read.guilds.length === 0) return;
      names.guildsChanged();
      events.emit.guildsChanged();
    },
    ready() {
      names.resolve();
      ownerGuilds.ready();
      interactions.ready();
    },
    answered: interactions.answered,
    reconfigured() {
      presence.forget();
      interactions.reconfigured();
      lookUp.reconfigured();
      names.resolveAgain();
    },
    async stop() {
      try {
        await endTasks();
      } finally {
        lookUp.stop();
        await acceptor.flush();
      }
    },
  };
}

/** Creates the function, which never throws. */
export function createWithdrawNotes(
  notes: Pick<Store["notes"], "withdraw">,
  log: Log,
): (messageIds: readonly MessageId[]) => void {
  return (messageIds) => {
    notes.withdraw(messageIds).catch((error: unknown) => {
      log.error("Cannot withdraw the notes from deleted messages", { messageIds, error });
    });
  };
}
