/**
 * Accepts batches from the gateway: completes their messages, judges each, and stores all of them.
 *
 * The gateway's sequence number is stored with the messages up to it. So a message is either
 * stored, or Discord will send it again. Messages that need no answer wait a moment for others,
 * since a transaction costs the same for one row as for fifty. A message that gets an answer, or
 * may get one, waits for nothing.
 *
 * Discord sends some messages without the name of their group, before it has told of their thread,
 * or without the original of a reply, which may be the bot's. These are completed first, in the
 * order of their batch; without such facts, the rules are stricter.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount, wakes } from "../../account/per_account.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { NumberedEvent } from "../../core/hooks/hook.ts";
import {
  type EventHandlers,
  type GuildSnapshot,
  handleEvent,
  type InboundBatch,
  type InboundEvent,
  type InboundMessage,
  type OwnMessage,
  type Place,
  type PostedMessage,
  type ReactionRecord,
  type SessionStarted,
  type SlashCommand,
} from "../../core/inbound/inbound.ts";
import {
  type Accepted,
  type AcceptedBatch,
  type Echo,
  type Judged,
  type MessageChange,
  type MessageOrigin,
  NOTHING_ACCEPTED,
  type Verdict,
} from "../../core/inbound/inbox.ts";
import { placeOfTarget } from "../../discord/gateway/decode/decode.ts";
import type { DispatchBatch } from "../../discord/gateway/link/protocol.ts";
import { readPlace } from "../../discord/rest/requests/guild_reads.ts";
import type { Log } from "../../lib/log.ts";
import { onlineOf } from "../connection/connection.ts";
import { catchUpOf } from "../catch_up/catch_up.ts";
import { queuesOf } from "../deliver/deliver.ts";
import { endLeftCommands, stopLeftCommands } from "../deliver/left_commands.ts";
import { archiveIfDone, startThreads, threadMembersChanged } from "../judging/answer_threads.ts";
import {
  judge,
  type MessageSource,
  permitReaction,
  recordOwn,
  routeOf,
  runIdsOf,
  runsBeside,
  runsOnReaction,
} from "../judging/judge.ts";
import { guildsChanged, stopResolving } from "../names/name_resolver.ts";
import { sawForeign } from "../preflight/duplicates.ts";
import { cardsGone } from "../questions/cards.ts";
import { registerLater } from "../register_commands.ts";
import { eventsOf } from "../server_events.ts";
import { guildJoined, stopJoined } from "./guild_joined.ts";
import { interact } from "./interactions.ts";
import { originalsDeleted, startPluralkit, stopPluralkit, waitForFacts } from "./pluralkit.ts";
import { approvals, pairingOffer, stopRequestOf, tellStored, waitingRules } from "./stored.ts";

/**
 * Maximum size of waiting messages, in UTF-16 units of the gateway's text: some 1,000 messages. In
 * a flood, a transaction then touches each page of the database once for many messages.
 */
const MAX_IDLE_BYTES = 1 << 20;
/** Milliseconds for which such messages wait. */
const IDLE_MS = 250;
/** Milliseconds before the next attempt to store. */
const RETRY_MS = 5_000;

interface Inbox {
  readonly log: Log;
  readonly units: Unit[];
  /** Cancels the timer of waiting messages, or of the next attempt to store. */
  cancel?: () => void;
  committing?: Promise<void>;
}

const inboxOf = perAccount("inbox", ({ log }): Inbox => ({ log, units: [] }));

/** Sets that get the ids of all messages that people edit or delete, as long as they are in here. */
export const changesWatched: (account: BotAccount) => Set<Set<string>> = perAccount(
  "inbox",
  () => new Set(),
);

/**
 * Continues where the last process stopped. Nothing may be judged before it resolves: it loads proxied
 * users and threads.
 */
export async function startInbound(account: BotAccount): Promise<void> {
  await Promise.all([startPluralkit(account), startThreads(account), endLeftCommands(account)]);
  approvals.start(account);
}

/** Begins nothing more. A task whose request Barnacle itself then cancels reports no failure. */
export async function endInbound(account: BotAccount): Promise<void> {
  await Promise.all(
    [stopPluralkit, stopJoined, stopResolving, stopLeftCommands, approvals.stop].map((stop) =>
      stop(account)
    ),
  );
}

/** A batch of dispatches has come. */
export function take(account: BotAccount, batch: DispatchBatch): void {
  const read = account.reader.read(batch);
  accept(account, read);
  account.bot.memory.worked();
  if (read.guilds.length > 0) {
    guildsChanged(account);
    catchUpOf(account).ready();
    onlineOf(account).changed();
  }
}

/**
 * Judges a batch's messages, handles its other events in their order, and stores it soon. Retries if
 * the store fails.
 */
export function accept(account: BotAccount, batch: InboundBatch): void {
  inOrder(account, batch, (complete) => acceptComplete(account, complete));
}

/** The last batch that waits, for its facts or for those before it. */
const line = perAccount("inbox", (): { waiting?: Promise<void> } => ({}));

/** Completes a batch, and has it accepted; at once if it lacks nothing and no other waits. */
function inOrder(
  account: BotAccount,
  batch: InboundBatch,
  accept: (batch: InboundBatch) => void,
): void {
  const state = line(account);
  if (!state.waiting && !batch.events.some((one) => lacksFact(account, one))) return accept(batch);
  const done = Promise.all([complete(account, batch.events), state.waiting])
    .then(([events]) => accept({ ...batch, events }));
  state.waiting = done;
  void done.then(() => state.waiting = state.waiting === done ? undefined : state.waiting);
}

/** Adds the facts that events lack. An event stays as it is if a look-up fails. */
function complete<Event extends InboundEvent>(
  account: BotAccount,
  events: readonly Event[],
): Promise<Event[]> {
  return Promise.all(
    events.map((one) => lacksFact(account, one) ? completed(account, one).catch(() => one) : one),
  );
}

async function completed<Event extends InboundEvent>(
  account: BotAccount,
  event: Event,
): Promise<Event> {
  if (event.kind === "message_edited") {
    return { ...event, message: await completed(account, event.message) };
  }
  if (event.kind !== "message") return event;
  const { channelId, quoted, sender, mention = sender.automaton ? undefined : "reply" } = event;
  const place = lacksPlace(account, event) ? await placeOf(account, event) : event.place;
  const me = quoted && !quoted.author ? account.self() : undefined;
  if (
    !me || !quoted || !(await account.store.outbox.known(channelId, [quoted.id])).has(quoted.id)
  ) {
    return { ...event, place };
  }
  const author = { id: me.userId, tag: me.username };
  return { ...event, place, mention, quoted: { ...quoted, author } };
}

function lacksFact(account: BotAccount, event: InboundEvent): boolean {
  if (event.kind === "message_edited") return lacksFact(account, event.message);
  if (event.kind !== "message") return false;
  return lacksPlace(account, event) || (event.quoted && !event.quoted.author) === true;
}

/** Whether its place is a group, or a thread of a known guild that the guild's index does not have. */
function lacksPlace({ reader }: BotAccount, { place, channelId }: InboundMessage): boolean {
  if (place.kind !== "guild") return place.kind === "group_dm";
  return reader.index.get(place.guild.id)?.channels.has(channelId) === false;
}

async function placeOf(
  { policy, rest, reader }: BotAccount,
  { place, channelId }: InboundMessage,
): Promise<Place> {
  const { groupChannels } = policy().policy.dm;
  const isAsked = place.kind === "guild" || groupChannels?.some(({ kind }) => kind === "name");
  const { name, parentId } = isAsked
    ? await readPlace(rest, channelId, { priority: "spare", timeoutMs: 2_000 })
    : {};
  if (place.kind !== "guild") return { kind: "group_dm", name };
  const { id } = place.guild;
  return placeOfTarget(id, { channelId, parentId }, reader.index.get(id));
}

function acceptComplete(account: BotAccount, batch: InboundBatch): void {
  const { arrivedAt } = batch;
  const inbox = inboxOf(account);
  let unit: Unit | undefined;
  let isUrgent = false;
  const current = () => unit ??= unitFor(inbox.units, batch);
  const handle = (one: Parameters<typeof interact>[1]) => interact(account, one);
  const changed = (id: string) => changesWatched(account).forEach((one) => one.add(id));
  const handlers: EventHandlers = {
    button: handle,
    select: handle,
    modal: handle,
    typing: handle,
    unread: handle,
    session_started(started) {
      if (unit) throw new TypeError("READY must be the first event of its batch");
      unit = unitFor(inbox.units, batch, started);
      isUrgent = true;
    },
    message(message) {
      const judged = judgeMessage(account, message, "live");
      const runs = judgeRuns(account, runsBeside(account, judged));
      current().judged.push(judged, ...runs);
      isUrgent ||= judged.route !== undefined || runs.length > 0;
    },
    message_edited({ message }) {
      // Not live: an edit is no turn of a conversation. Storing it must not wait for others,
      // because its turn may run. A preview changes no text.
      const { verdict } = judge(account, message, {}, "not_live");
      current().changes.push({ kind: "edited", message, verdict });
      if (message.revision === 0) return;
      changed(message.id);
      isUrgent = true;
    },
    messages_deleted(deleted) {
      const { channelId } = deleted;
      const messageIds = deleted.messageIds.flatMap((id) => [
        id,
        ...runIdsOf(account, id), // their text is that of the message
      ]);
      current().changes.push({ kind: "deleted", channelId, messageIds });
      messageIds.forEach(changed);
      isUrgent = true;
      originalsDeleted(account, messageIds);
      cardsGone(account, messageIds);
    },
    own_message(message) {
      if (!message.toInteraction) {
        current().echoes.push({ ...toEcho(message), heardAt: arrivedAt });
      }
      recordOwn(account, message);
    },
    slash(command) {
      current().commands.push(command);
      isUrgent = true;
      handle(command);
    },
    reaction(reaction) {
      const permitted = permitReaction(account, reaction);
      archiveIfDone(
        account,
        reaction,
        () => permitReaction(account, { ...reaction, on: "own" }) !== undefined,
      );
      if (!permitted) return;
      current().reactions.push(permitted);
      const runs = judgeRuns(account, runsOnReaction(account, reaction, permitted));
      current().judged.push(...runs);
      isUrgent ||= runs.length > 0;
    },
    reactions_cleared: (cleared) => void current().reactions.push(cleared),
    server_event(told) {
      const found = eventsOf(account, told);
      current().hookEvents.push(...found);
      isUrgent ||= found.length > 0;
    },
    place_gone: ({ id }) => cardsGone(account, [id]),
    guild_joined: ({ guild }) => guildJoined(account, guild),
    thread_members_changed: (change) => threadMembersChanged(account, change),
    permissions_changed: ({ guildId }) => queuesOf(account).permissionsChanged(guildId),
  };
  for (const event of batch.events) {
    try {
      handleEvent(event, handlers);
    } catch (error) {
      if (event.kind === "session_started") throw error; // the events belong to another session
      // The others of its batch count.
      inbox.log.error("Cannot take an event of Discord", { kind: event.kind, error });
    }
  }
  const last = current();
  last.bytes += batch.bytes;
  last.guilds.push(...batch.guilds);
  if (isUrgent || last.bytes >= MAX_IDLE_BYTES) start(account);
  else inbox.cancel ??= account.schedule(() => start(account), IDLE_MS);
}

/**
 * Judges a message, and adds everything that T1 stores with it. Every message that is not ignored has a
 * route: it gets an answer, or may get one once Barnacle has more facts.
 */
function judgeMessage(
  account: BotAccount,
  message: InboundMessage,
  source: MessageSource,
  judgeAs = (_: InboundMessage, verdict: Verdict) => verdict,
): Judged {
  const judged = judge(account, message, {}, source);
  const verdict = judgeAs(message, judged.verdict);
  if (verdict.kind !== "accept") logVerdict(message, verdict, inboxOf(account).log);
  if (verdict.kind === "ignore" && verdict === judged.verdict) {
    const { knownFacts, policyId, command } = judged; // as most are: a spread costs more
    return { message, verdict, knownFacts, policyId, command };
  }
  const isLive = verdict.kind === "accept" && source === "live";
  return {
    ...judged,
    message,
    verdict,
    stop: isLive ? stopRequestOf(account, message) : undefined,
    offer: verdict.kind === "challenge" ? pairingOffer(account, message) : undefined,
    policyVerdict: verdict !== judged.verdict ? judged.verdict : undefined,
    route: verdict.kind !== "ignore" ? routeOf(account, message) : undefined,
  };
}

/**
 * Judges runs of passive agents by the rights of the person who caused them (N1). A refused run leaves
 * no record.
 */
function judgeRuns(account: BotAccount, runs: readonly InboundMessage[]): readonly Judged[] {
  if (runs.length === 0) return NO_RUNS;
  return runs.map((run) => judgeMessage(account, run, "not_live"))
    .filter(({ verdict: { kind } }) => kind === "accept" || kind === "undecided");
}

const NO_RUNS: readonly Judged[] = [];

/** Logs that a message gets no answer, or none yet. */
function logVerdict(
  { id: messageId, channelId, sender: { id: authorId } }: InboundMessage,
  { kind, why, rule }: Verdict,
  log: Log,
): void {
  const event = kind === "ignore" ? "A message is not answered" : "A message is not decided yet";
  log.debug(event, { messageId, channelId, authorId, why, rule });
}

function toEcho({ id: messageId, channelId, nonce }: OwnMessage): Echo {
  return { messageId, channelId, nonce };
}

/** Events that wait for one T1, with the T0 that must come before it. */
interface Unit {
  /** The session to store by T0; cleared once it is stored, since a session begins once. */
  started: SessionStarted | undefined;
  /** Set if a gap precedes the events; cleared once it is stored. */
  afterHole: InboundBatch["afterHole"];
  readonly accountId: AccountId;
  readonly isReplayed: InboundBatch["isReplayed"];
  /** Sequence number up to which the unit covers the session's events. */
  seq: number;
  /** Ticket of the unit's last batch. */
  ticket: number;
  /**
   * Unix time in milliseconds at which its first batch arrived. A session or a gap begins then, and
   * not when the store accepts it: otherwise a later gap would begin after events that were lost.
   */
  readonly beganAt: number;
  arrivedAt: number;
  /** Length of the gateway's text, in UTF-16 units. */
  bytes: number;
  readonly judged: Judged[];
  readonly echoes: Echo[];
  readonly changes: MessageChange[];
  readonly reactions: ReactionRecord[];
  readonly hookEvents: NumberedEvent[];
  readonly commands: SlashCommand[];
  /** Guilds whose stored state changes. */
  readonly guilds: GuildSnapshot[];
}

/**
 * Finds the unit that a batch joins. A new gateway session counts from its own start, and so do
 * replayed events, because other limits apply.
 */
function unitFor(
  units: Unit[],
  { afterHole, isReplayed, accountId, seq, ticket, arrivedAt }: InboundBatch,
  started?: SessionStarted,
): Unit {
  const last = units.at(-1);
  const isNew = started !== undefined || afterHole !== undefined ||
    last?.isReplayed !== isReplayed;
  if (last && !isNew && last.accountId === accountId) {
    last.seq = Math.max(last.seq, seq); // a RESUME repeats sequence numbers that have arrived
    return Object.assign(last, { ticket, arrivedAt });
  }
  const empty = { judged: [], echoes: [], changes: [], guilds: [] };
  const at = { beganAt: arrivedAt, arrivedAt, bytes: 0 };
  const of = { accountId, isReplayed };
  const lists = { ...empty, reactions: [], hookEvents: [], commands: [] };
  const unit: Unit = { started, afterHole, ...of, seq, ticket, ...at, ...lists };
  units.push(unit);
  return unit;
}

/** Begins to store. If the store fails, it tries again later. */
function start(account: BotAccount): void {
  commitAll(account).catch((error: unknown) => {
    inboxOf(account).log.error("Cannot store what arrived; will try again", { error });
  });
}

function commitAll(account: BotAccount): Promise<void> {
  const inbox = inboxOf(account);
  inbox.cancel?.();
  inbox.cancel = undefined;
  inbox.committing ??= commitUnits(account, inbox.units).catch((error: unknown) => {
    inbox.cancel ??= account.schedule(() => start(account), RETRY_MS);
    throw error;
  }).finally(() => {
    inbox.committing = undefined;
    if (inbox.units.length > 0 && !inbox.cancel) start(account); // added after the last check
  });
  return inbox.committing;
}

/**
 * Stores units, oldest first, and removes each from the list. A unit that the store refuses goes
 * back to the front.
 *
 * @throws {StoreError} As a rejection.
 */
async function commitUnits(account: BotAccount, units: Unit[]): Promise<void> {
  for (let unit = units.shift(); unit; unit = units.shift()) {
    try {
      await commit(account, unit);
    } catch (error) {
      units.unshift(unit);
      throw error;
    }
  }
}

async function commit(account: BotAccount, unit: Unit): Promise<void> {
  const { accountId, seq, ticket, arrivedAt, guilds } = unit;
  const { judged, echoes, changes, reactions, hookEvents, commands } = unit;
  await begin(account, unit);
  const batch = {
    accountId,
    heard: seq,
    judged,
    echoes,
    changes: changes.length > 0 ? changes : undefined,
    guilds,
    reactions: reactions.length > 0 ? reactions : undefined,
    hookEvents: hookEvents.length > 0 ? hookEvents : undefined,
    commands: commands.length > 0 ? commands : undefined,
  };
  const origin = unit.isReplayed ? "replayed" : "live";
  const { foreign } = await storeBatch(account, batch, arrivedAt, origin);
  account.connection.committed(ticket);
  if (batch.hookEvents) wakes(account).hooks();
  if (foreign.length > 0) sawForeign(account, foreign);
}

/**
 * Stores T0, and the gap within the session before it. Each is stored once, also if the
 * store refuses a later one.
 *
 * Guilds that READY has made outdated are stored before it. Otherwise a process that dies between
 * the two would resume after READY, and take its outdated guilds for current.
 */
async function begin(account: BotAccount, unit: Unit): Promise<void> {
  const { store } = account;
  const { started, accountId, beganAt, guilds } = unit;
  if (unit.afterHole) {
    catchUpOf(account).sessionDue(); // turns wait for the missing messages: a new session follows
    await store.gateway.openGap(accountId, beganAt);
    unit.afterHole = undefined;
  }
  if (started) {
    const catchUp = catchUpOf(account);
    catchUp.sessionStarting();
    if (guilds.length > 0) {
      await store.inbox.acceptBatch({ accountId, judged: [], echoes: [], guilds }, beganAt);
    }
    const { session, self } = started;
    await store.gateway.startSession(accountId, session, self, beganAt);
    unit.started = undefined;
    registerLater(account); // READY has named the application
    catchUp.sessionStarted();
    onlineOf(account).changed();
  }
}

/**
 * Stores one batch (T1), and reports everything that may begin.
 *
 * @throws {StoreError} As a rejection.
 */
async function storeBatch(
  account: BotAccount,
  batch: AcceptedBatch,
  arrivedAt: number,
  origin: MessageOrigin,
): Promise<Accepted> {
  const isLimited = batch.judged.some(({ verdict, policyVerdict = verdict }) =>
    verdict.kind === "challenge" || policyVerdict.kind === "accept"
  );
  const done = await account.store.inbox.acceptBatch(
    {
      ...batch,
      ...(isLimited && { waiting: waitingRules(account, origin) }),
    },
    arrivedAt,
  );
  tellStored(account, done);
  if (done.undecided.length > 0) waitForFacts(account, done.undecided, origin);
  return done;
}

/**
 * Stores everything that waits, and resolves once it is stored.
 *
 * @throws {StoreError} As a rejection; Discord will send the events again.
 */
export async function flushInbound(account: BotAccount): Promise<void> {
  await batchesComplete(account);
  const inbox = inboxOf(account);
  while (inbox.units.length > 0 || inbox.committing) await commitAll(account);
}

/** Resolves once no batch waits. */
async function batchesComplete(account: BotAccount): Promise<void> {
  await line(account).waiting;
}

/**
 * Stores messages from a channel's history, in one T1. The store counts each message once, live or not.
 * They do not change the sequence number.
 *
 * @param events Events of one account, oldest first.
 * @param judgeAs Replaces the policy's verdict; default: keeps it.
 * @throws {StoreError} As a rejection.
 */
export async function acceptHistory(
  account: BotAccount,
  events: readonly PostedMessage[],
  judgeAs?: (message: InboundMessage, verdict: Verdict) => Verdict,
): Promise<Accepted> {
  if (events.length === 0) return NOTHING_ACCEPTED;
  const judged: Judged[] = [];
  for (const event of await complete(account, events)) {
    if (event.kind === "message") {
      const one = judgeMessage(account, event, "history", judgeAs);
      judged.push(one, ...judgeRuns(account, runsBeside(account, one)));
    } else recordOwn(account, event);
  }
  // Catch-up may find messages that the store had before an edit.
  const changes = judged.flatMap(({ message, policyVerdict, verdict }): readonly MessageChange[] =>
    message.revision > 0 ? [{ kind: "edited", message, verdict: policyVerdict ?? verdict }] : []
  );
  const own = events.filter((event) => event.kind === "own_message");
  const batch = {
    accountId: account.accountId,
    judged,
    changes: changes.length > 0 ? changes : undefined,
    // a history may lack nonces; without one, there is no row to settle
    echoes: own.filter(({ nonce }) => nonce !== undefined).map(toEcho),
    guilds: [],
  };
  const stored = await storeBatch(account, batch, account.now(), "history");
  return { ...stored, foreign: [] }; // a message from before the session proves no second program
}
