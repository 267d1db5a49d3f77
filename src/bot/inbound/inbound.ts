/**
 * Handles a gateway's batches up to stored messages.
 *
 * It judges and stores messages. Senders without access get a pairing code, and owners are asked
 * about them. PluralKit is asked about webhooks, names in the config are resolved to ids, and
 * owners learn of a guild that the config does not allow.
 *
 * @module
 */

import type { AccountContext } from "../account_context.ts";
import type { ChannelId, MessageId } from "../../core/discord/ids.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import { createAcceptor } from "../../flows/receive/accept.ts";
import { createChallenges, createPairingService } from "../../flows/receive/challenge.ts";
import { createOwnerGuilds } from "../../flows/receive/owner_guilds.ts";
import { stopRequestOf, waitingRulesOf } from "../../flows/receive/notice_reply.ts";
import { createPluralkit } from "../../flows/receive/pluralkit.ts";
import { createEmitter } from "../../lib/emitter.ts";
import { createInteractionHandlers } from "../commands/interactions.ts";
import { createPermitReaction } from "../../flows/judging/permit_reaction.ts";
import { createPluralkitLookUp } from "../../pluralkit/look_up.ts";
import type { Log } from "../../lib/log.ts";
import type { Store } from "../../core/store/store.ts";
import type { Inbound, InboundEvents, InboundParts } from "./inbound_interface.ts";
import { createNameResolver } from "./names.ts";

const GUILDS = "channels.discord.guilds";

/**
 * Connects the inbound flows. The function is long because each port of each flow stands here once.
 */
export function createInbound(account: AccountContext, parts: InboundParts): Inbound {
  const { config, store, policy, texts } = account;
  const { reader, outbound, threads, meter, memory, isOurs, isOwner, judging } = parts;
  const { judge, route, presence, proxied } = judging;
  const events = createEmitter<InboundEvents>();
  const onAccepted = (judged: readonly Judged[]) =>
    void (judged.length > 0 && events.emit.accepted(judged));

  const waiting = () => waitingRulesOf(config().messages.queue, texts());
  const onRefused = (channels: readonly ChannelId[]): void => {
    account.forPart("inbox").log.info("Too many turns wait, so some messages get no answer", {
      channels,
    });
    outbound.channelQueues.wake(channels);
  };

  const ownerGuilds = createOwnerGuilds({
    ...account.forPart("access"),
    inbox: store.inbox,
    asked: store.pairing,
    isNeeded: () => policy().policy.needsOwnerInGuild === true,
    ask: presence.ask,
    judge: judge.judge,
    route,
    waiting,
    onAccepted,
    onRefused,
    tellOwners: (text) => outbound.reachOwners(text),
    guildsPath: () => policy().policy.ruleOf(GUILDS),
  });
  const lookUp = createPluralkitLookUp(() => config().discord.pluralkit, {
    ...parts,
    now: account.now,
  });
  const pluralkit = createPluralkit({
    ...account.forPart("pluralkit"),
    store: store.inbox,
    lookUp: lookUp.lookUp,
    ruleOf: (path) => policy().policy.ruleOf(path),
    judge: judge.judge,
    route,
    waiting,
    onAccepted,
    proxied,
    onUndecided: ownerGuilds.undecided,
    onRefused,
  });
  const challenges = createChallenges(account.forPart("pairing"), {
    store: store.pairing,
    tellOwners: (text, buttons) => outbound.reachOwners(text, { buttons }),
  });
  const interactions = createInteractionHandlers(account, {
    ...parts,
    waiting,
    onRefused,
    onAsked: () => events.emit.asked(),
    async stopTurns(scope) {
      const touched = await store.inbox.stopTurns(scope, account.now());
      const { channelId } = scope;
      if (touched.length > 0) {
        const channels = channelId === undefined ? [] : [channelId];
        events.emit.touched({ touched, cut: touched, channels });
        if (channelId === undefined) outbound.channelQueues.wake(); // drafts anywhere
      }
      return touched.length;
    },
  });
  const withdrawNotes = createWithdrawNotes(store.notes, account.forPart("memory").log);
  const names = createNameResolver(account, parts);
  const acceptor = createAcceptor({
    ...account.forPart("inbox"),
    judge: (message, source) => judge.judge(message, {}, source),
    route,
    stop: (message) => stopRequestOf(message, isOwner, texts),
    permitReaction: createPermitReaction({ policy, isOurs, ownerIn: presence.known }),
    pairing: createPairingService(account),
    waiting,
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
  account.stopping.addEventListener("abort", () => void endTasks(), { once: true });

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
