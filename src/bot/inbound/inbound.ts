/**
 * Handles a gateway's batches up to stored messages.
 *
 * It judges and stores messages. Senders without access get a pairing code, and owners are asked
 * about them. PluralKit is asked about webhooks, names in the config are resolved to ids, and
 * owners learn of a guild that the config does not allow.
 */

import type { AccountContext } from "../account_context.ts";
import { createAcceptor } from "../../flows/inbound/accept.ts";
import type { MessageOrigin } from "../../core/inbound/waiting_limits.ts";
import { approvals } from "../../flows/inbound/challenge.ts";
import { limitsOf, stopRequestOf } from "../../flows/inbound/notice_reply.ts";
import { createMissingFacts } from "../../flows/inbound/missing_facts.ts";
import { createPluralkit } from "../../flows/inbound/pluralkit.ts";
import { createInteractionHandlers } from "../interactions/interactions.ts";
import { createPermitReaction } from "../../flows/judging/permit_reaction.ts";
import { createPluralkitLookUp } from "../../pluralkit/client.ts";
import type { DispatchBatch } from "../../discord/gateway/link/protocol.ts";
import type { PolicyKeeper } from "../../flows/judging/policy_keeper.ts";
import type { Turns } from "../../flows/turn/turns.ts";
import type { AnswerThreads } from "../../flows/turn/answer_threads.ts";
import { tellExtras } from "../../account/extra_parts.ts";
import { wakeChannels } from "../../account/wakes.ts";
import { queuesOf } from "../../flows/deliver/channel_queues.ts";
import { cardsGone } from "../../flows/questions/cards.ts";
import type { InteractionParts } from "../interactions/context.ts";
import type { Finding } from "../../core/finding.ts";
import { reachOwners } from "../../flows/owners/tell_owners.ts";
import type { AccountPorts } from "../account_interface.ts";
import type { Reader } from "../../discord/gateway/read/reader.ts";
import { createReadChannel } from "../../discord/rest/requests/channel.ts";
import { createMembers } from "../../discord/rest/requests/members.ts";
import { namesIn } from "../../discord/gateway/decode/places.ts";
import { isFinalRefusal, RestError } from "../../discord/rest/exchange/rest_error.ts";
import { createGuildJoined } from "../../flows/inbound/guild_joined.ts";
import { createNameResolver } from "../../flows/names/name_resolver.ts";

/** Connects the inbound flows. */
export function createInbound(
  account: AccountContext,
  parts:
    & Omit<InteractionParts, "waiting" | "stopTurns">
    & Pick<AccountPorts, "isOnly" | "isOurs" | "memory">
    & {
      readonly policy: PolicyKeeper;
      readonly turns: Pick<Turns, "accepted">;
      readonly reader: Reader;
      readonly threads: Pick<AnswerThreads, "start" | "membersChanged" | "reacted">;
      readonly eventsOf: Parameters<typeof createAcceptor>[0]["eventsOf"];
    },
) {
  const { config, store, policy, events } = account;
  const { client, reader, threads, memory, isOurs, judging, turns } = parts;
  const { options, settings, sources, toolPortsOf } = parts;
  const { spend, rates, summaries, health, changedInAll, byExtra } = parts;
  const { judge, route, proxied } = judging;
  const waiting = (origin: MessageOrigin = "live") => {
    const { messages: { queue }, discord: { gateway } } = config();
    const limits = limitsOf(origin, queue, gateway.catchUp);
    return { ...limits, isOwner: sources.isOwner };
  };
  const late = { judge: judge.judge, route, waiting, turns };
  const guildJoined = createGuildJoined(account.forPart("access"), {
    described: (guild) => reader.index.get(guild.id) ?? guild,
    tellOwners: (text) => reachOwners(account, text),
    isFinal: isFinalRefusal,
  });
  const lookUp = createPluralkitLookUp(() => config().discord.pluralkit, {
    version: options.version,
    now: account.now,
  });
  const pluralkit = createPluralkit({
    ...account.forPart("pluralkit"),
    lookUp: lookUp.lookUp,
    ruleOf: (path) => policy().policy.ruleOf(path),
    ...late,
    proxied,
  });
  const interactions = createInteractionHandlers(account, {
    ...{ options, settings, client, judging, sources, toolPortsOf },
    ...{ spend, rates, summaries, health, changedInAll, byExtra, waiting },
    async stopTurns(scope) {
      const touched = await store.inbox.stopTurns(scope, account.now());
      const { channelId } = scope;
      if (touched.length > 0) {
        const channels = channelId === undefined ? [] : [channelId];
        events.emit.touched({ touched, cut: touched, channels });
        if (channelId === undefined) wakeChannels(account); // drafts anywhere
        if (scope.isPause) tellExtras(account, "hookEnded"); // their events are posted
      }
      return touched.length;
    },
  });
  const guilds = () => [...reader.index.values()];
  const members = createMembers(client, { priority: "background" }); // people wait for other requests
  const names = createNameResolver(account, {
    guilds: () => guilds().filter(({ isAwaited }) => !isAwaited).map(namesIn),
    isAwaiting: () => guilds().some(({ isAwaited }) => isAwaited),
    searchMembers: (guildId, query) => members.search(guildId, query),
    isRefused: (error) => error instanceof RestError && error.kind === "forbidden",
    keeper: parts.policy,
  });
  const permitReaction = createPermitReaction({ policy, isOurs });
  const readGroup = createReadChannel(client, { priority: "spare", timeoutMs: 2_000 });
  const missingFacts = createMissingFacts({
    ...store,
    self: () => reader.self,
    groupName: async (id) =>
      policy().policy.dm.groupChannels?.some(({ kind }) => kind === "name")
        ? (await readGroup(id)).name
        : undefined,
  });
  const acceptor = createAcceptor({
    ...account.forPart("inbox"),
    missingFacts,
    judge: (message, source) => judge.judge(message, {}, source),
    route,
    turns,
    eventsOf: parts.eventsOf,
    runsBeside: judging.passive.runsBeside,
    runsOnReaction: judging.passive.runsOnReaction,
    runIdsOf: judging.passive.runIdsOf,
    stop: (message) => stopRequestOf(message, sources.isOwner),
    permitReaction(reaction) {
      const permitted = permitReaction(reaction);
      threads.reacted(reaction, () => permitReaction({ ...reaction, on: "own" }) !== undefined);
      return permitted;
    },
    account,
    waiting,
    on: {
      own_message: judge.recordOwn,
      ...interactions.on,
      messages_deleted({ messageIds }) {
        pluralkit.deleted(messageIds);
        cardsGone(account, messageIds);
      },
      place_gone: ({ id }) => cardsGone(account, [id]),
      guild_joined: ({ guild }) => guildJoined.joined(guild),
      thread_members_changed: ({ threadId, ...change }) => threads.membersChanged(threadId, change),
      permissions_changed: ({ guildId }) => queuesOf(account).permissionsChanged(guildId),
    },
  });

  const endTasks = () =>
    Promise.all(
      [pluralkit, guildJoined, names, interactions].map((one) => one.stop()).concat(
        approvals.stop(account),
      ),
    );
  // A task whose request Barnacle itself cancels must not report a failure.
  account.stopping.addEventListener("abort", () => void endTasks(), { once: true });

  return {
    commands: interactions.commands,
    ask: interactions.ask,
    refused: interactions.refused,
    acceptHistory: acceptor.acceptHistory,
    /** Continues where the last process stopped. Nothing may be judged before it resolves. */
    async start(): Promise<void> {
      // Proxied users and threads must be loaded before any message is judged.
      await Promise.all([pluralkit.start(), threads.start()]);
      approvals.start(account);
    },
    take(batch: DispatchBatch): void {
      const read = reader.read(batch);
      acceptor.accept(read);
      memory.worked();
      if (read.guilds.length > 0) {
        names.guildsChanged();
        events.emit.guildsChanged();
      }
    },
    /** A shard's new session is stored. */
    sessionStarted: interactions.ready, // READY has named the application
    /** These messages wait for a fact (P13). */
    undecided: pluralkit.undecided,
    /** Sets the number of the account's shards. */
    setShardCount: names.setShardCount,
    /** A shard is ready: names can be resolved now. */
    ready(shardId: number): void {
      names.ready(shardId);
      interactions.ready();
    },
    /** Resolves once the commands and components received so far are answered. */
    answered: interactions.answered,
    /** The config and its policy have changed. */
    reconfigured(): void {
      interactions.reconfigured();
      lookUp.reconfigured();
      names.resolveAgain();
    },
    /** Current problems, for health. */
    findings: (): readonly Finding[] => [
      ...interactions.findings(),
    ],
    /**
     * Stores the waiting events, and begins nothing more.
     *
     * @throws {StoreError} If the store fails; Discord will send the events again.
     */
    async stop(): Promise<void> {
      try {
        await endTasks();
      } finally {
        lookUp.stop();
        await acceptor.flush();
      }
    },
  };
}
