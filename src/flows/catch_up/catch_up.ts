/**
 * Fetches messages over REST that no gateway session brought (G6).
 *
 * The store records a gap and its beginning together with the session that opened it. The gap stays
 * there until every channel has been read back to it, over any number of crashes. Messages found
 * this way are treated as live ones and count once, so reading a stretch twice is harmless. Direct
 * messages come first, then the channels of guilds; a task that fails runs again later.
 *
 * If a guild's GUILD_CREATE is missing because of an outage, catch-up waits for it, since its
 * channels are unknown. Catch-up cannot find first direct messages of new people, nor threads that
 * were archived before.
 *
 * Of a channel, first come the messages that may get an answer: the newest ones, stored together and
 * oldest first, so that answers keep their order. Once no channel waits for that, the messages before
 * them follow, only for the record. Their number is bounded, too, because each hundred costs a request.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import {
  type ChannelId,
  createdAtMs,
  type GuildId,
  type MessageId,
  parseSnowflake,
  type RoleId,
  type UserId,
} from "../../core/discord/ids.ts";
import type { GuildPlace, InboundMessage, PostedMessage } from "../../core/inbound/inbound.ts";
import {
  CATCH_UP_RULES,
  type IgnoreReason,
  TOLD_WITHIN_MS,
  type Verdict,
} from "../../core/inbound/inbox.ts";
import { messageLink } from "../../core/turn/discord_place.ts";
import { decodeHistory, placesOf, withRoles } from "../../discord/gateway/decode/decode.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import { isRefusal } from "../../discord/rest/exchange/exchange.ts";
import { readMember, readMissingToRead } from "../../discord/rest/requests/guild_reads.ts";
import { MAX_HISTORY, readHistory } from "../../discord/rest/requests/messages.ts";
import type { StoredAccount, StoredConnection } from "../../store/gateway/gateway.ts";
import { createRetryQueue, type RetriedTask } from "../retry_queue.ts";
import { storeMissedEvents } from "../server_events.ts";
import { tellOnce } from "../tell.ts";
import { turnDelayOf } from "../turn/turns.ts";

/** A stretch of time in which messages may be missing, and how far it is read. */
interface OpenGap {
  /** When the newest message stored before the gap was sent. */
  readonly from: number;
  /** When Barnacle discovered the newest loss; a further loss makes the gap larger. */
  readonly lostAt?: number;
  readonly startedAt: number;
  readonly tally: Tally;
  /** Channels read so far. */
  asked: number;
  /** Set while T0 stores another lost session: a larger gap will replace this one. */
  isGrowing: boolean;
  /** Tasks that have not succeeded yet. */
  retries: number;
  /** Channels whose answerable messages are not read yet. */
  readonly waiting: Set<ChannelId>;
  readonly planned: Set<GuildId>;
  direct: "unplanned" | "asked" | "planned";
  /** Number of guilds whose GUILD_CREATE is still missing. */
  awaited: number;
}

/** The catch-up of an account. It reads nothing before the first gap. */
export const catchUpOf: (account: BotAccount) => CatchUp = perAccount("catch-up", createCatchUp);

function createCatchUp(account: BotAccount) {
  const { accountId, log, policy, reader, store, rest: { discordNow } } = account;
  const { catchUp: rules } = account.config().discord.gateway; // a change takes a restart
  let open: OpenGap | undefined;
  /** Whether a new session will begin. */
  let isDue = false;
  /** Whether the gap of a new session is not known yet. */
  let isUnsure = false;
  const delay = turnDelayOf(account);
  const unreadable = createUnreadable(account);
  const retries = createRetryQueue("Cannot catch up on missed messages", account);

  /**
   * Starts to close a gap, in place of the open one. After another lost session, catch-up
   * reads all of it once more. Tasks of the replaced gap change nothing.
   */
  function begin(
    { catchUpFrom: from, lostAt }: Pick<StoredConnection, "catchUpFrom" | "lostAt">,
  ): boolean {
    if (from === undefined) return false;
    const gap: OpenGap = {
      from,
      lostAt,
      startedAt: discordNow(),
      tally: { read: 0, answered: 0, tooOld: 0, tooMany: 0 },
      asked: 0,
      isGrowing: false,
      retries: 0,
      waiting: new Set(),
      planned: new Set(),
      direct: "unplanned",
      awaited: 0,
    };
    unreadable.reset();
    open = gap;
    if (rules.enabled) {
      delay.expectGap(false);
      advance(gap);
    } else {
      const since = new Date(from).toISOString();
      log.warn("Not reading missed messages: catchUp.enabled is false", { since });
      add(gap, () => finish(gap));
    }
    return true;
  }

  /** Plans all channels that Barnacle knows by now; once all tasks have succeeded, closes the gap. */
  function advance(gap: OpenGap): void {
    if (!isOpen(gap) || !rules.enabled) return;
    plan(gap);
    settleDelay();
    if (gap.retries === 0 && gap.awaited === 0) add(gap, () => finish(gap));
  }

  async function finish(gap: OpenGap): Promise<void> {
    const { from, lostAt, asked: channels, tally, startedAt } = gap;
    await store.gateway.finishCatchUp(accountId, from, lostAt);
    if (!isOpen(gap)) return;
    open = undefined;
    settleDelay();
    if (!rules.enabled) return;
    log.info("Caught up on missed messages", {
      channels,
      ...tally,
      unreadable: unreadable.list().length,
      seconds: Math.round((discordNow() - startedAt) / 1_000),
    });
  }

  /** Whether no other has replaced it. */
  function isOpen(gap: OpenGap): boolean {
    return open === gap;
  }

  function settleDelay(): void {
    if (isUnsure || isDue) return;
    if (!open) return delay.end();
    if (open.awaited === 0 && open.direct === "planned") delay.finishListing();
    else delay.startListing();
  }

  function plan(gap: OpenGap): void {
    const { planned } = gap;
    const places = placesOf(reader.index, planned);
    gap.awaited = places.awaited.length;
    if (gap.direct === "unplanned") planDirect(gap);
    if (gap.direct !== "planned") return;
    const since = endOfReading(gap.from);
    for (const channel of places.channels) {
      const { guildId, place } = channel;
      if (!planned.has(guildId)) {
        planned.add(guildId);
        add(gap, () => storeMissedEvents(account, guildId, since), true);
      }
      if (mayHaveMissed(channel, since) && policy().mayAct(place)) read(gap, channel);
    }
  }

  function planDirect(gap: OpenGap): void {
    gap.direct = policy().mayActInDirect ? "asked" : "planned";
    if (gap.direct === "planned") return;
    add(gap, async () => {
      for (const id of await store.messages.directChannels(accountId)) read(gap, { id });
      gap.direct = "planned";
    });
  }

  function read(gap: OpenGap, channel: MissedChannel): void {
    const { from, tally, waiting } = gap;
    const { id: channelId, guildId } = channel;
    const reading = createMissedReading(account, channel, from, tally);

    function logRefused(error: unknown): void {
      const event = `Discord does not show the missed messages in ${nameOf(channel)}`;
      log.warn(event, { channelId, guildId, error });
    }

    /** Reads the messages that may get an answer. @returns Whether there is more for the record. */
    async function readFirst(): Promise<boolean> {
      if (unreadable.has(channel)) return false;
      try {
        const outcome = await reading.answer();
        if (outcome === "empty" && await unreadable.check(channel)) return false;
        unreadable.clear(channelId);
        return outcome === "more";
      } catch (error) {
        if (!isRefusal(error)) throw error;
        if (!await unreadable.check(channel)) logRefused(error);
        return false;
      }
    }

    /** Records the messages before them. If there are too many, tells the channel. */
    async function readRest(): Promise<void> {
      try {
        const unread = await reading.record();
        if (!unread) return;
        const { before } = unread;
        if (mayTellUnread(unread, discordNow())) {
          const link = messageLink({ guildId, channelId, id: before });
          const text =
            `I was away, and have not read the messages before ${link}. If you asked me ` +
            "something there, please ask again.";
          // After a further loss, the same gap may be read again.
          await tellOnce(account, channelId, text, `unread:${channelId}:${from}:${before}`);
        }
        const event = `Missed more messages in ${nameOf(channel)} than Barnacle records`;
        log.info(event, { channelId, messages: MAX_PAGES * 100 });
      } catch (error) {
        if (!isRefusal(error)) throw error;
        logRefused(error);
      }
    }

    delay.addChannel(channelId);
    waiting.add(channelId);
    add(gap, async () => {
      const hasMore = await readFirst();
      gap.asked++;
      waiting.delete(channelId);
      delay.releaseChannel(channelId);
      if (hasMore) add(gap, readRest, true);
    });
  }

  /** Adds a task. It does nothing once the gap grows: the larger gap reads all of it once more. */
  function add(gap: OpenGap, task: RetriedTask, isLast?: boolean): void {
    gap.retries++;
    retries.add(async () => {
      if (gap.isGrowing) return;
      await task();
      gap.retries--;
      advance(gap);
    }, isLast);
  }

  /**
   * Tells that the session lacks events and a new one will follow. No turn begins before it. The
   * store keeps the gap until then, so meanwhile catch-up goes on with it.
   */
  function sessionDue(): void {
    if (!rules.enabled) return;
    delay.expectGap(!isDue);
    isDue = true;
  }

  return {
    sessionDue,
    /**
     * Tells that a new session is about to be stored. No turn begins before Barnacle has read its
     * gap.
     */
    sessionStarting(): void {
      if (!rules.enabled) return;
      // Otherwise the open gap might be closed without the messages of the lost session.
      if (open) open.isGrowing = true;
      isDue = false;
      delay.expectGap(!isUnsure);
      isUnsure = true;
    },
    /** Tells that the new session is stored, with its gap if there is one. */
    sessionStarted(): void {
      retries.addFirst(async () => {
        const { connection } = await store.gateway.loadAccount(accountId);
        isUnsure = false;
        if (!connection || !begin(connection)) open = undefined; // it was closed in time
        settleDelay();
      });
    },
    /** Continues the gap of the last process, whose session is to be resumed. */
    resume({ connection }: StoredAccount): void {
      if (!connection) return;
      if (connection.session?.hasHole) sessionDue();
      // An IDENTIFY may have to wait until tomorrow. For it, the messages would be too old.
      begin(connection);
    },
    /** Tells that a GUILD_CREATE has arrived, or that the bot has left a guild. */
    ready(): void {
      if (open) advance(open);
    },
    /** Number of channels still to be read, plus guilds still awaited. */
    pending: (): number => open ? open.waiting.size + open.awaited : 0,
    /** Channels that the bot may not read, for the health report. */
    unreadable: unreadable.list,
    /** Reads nothing more; the next start continues. */
    async stop(): Promise<void> {
      await retries.stop();
      delay.end();
    },
  };
}

type CatchUp = ReturnType<typeof createCatchUp>;

/** Catch-up yields to requests that people wait for. */
const BACKGROUND = { priority: "background" } as const;

/** How long a member's roles are reused, in milliseconds. */
const ROLES_MS = 5 * 60 * 1_000;

/** Reads the page of a channel before a message, or the newest one. */
const pagesOf: (
  account: BotAccount,
) => (channel: MissedChannel, before?: MessageId) => Promise<Page> = perAccount(
  "catch-up",
  createPages,
);

function createPages({ accountId, store, policy, now, reader, rest, log }: BotAccount) {
  const rolesOf = rememberedRoles(rest, now);

  /** Looks up authors' roles, which a channel's history does not contain. */
  async function withSender(event: PostedMessage): Promise<PostedMessage> {
    if (event.kind !== "message" || !needsRoles(event)) return event;
    const { guildId, sender } = event;
    return guildId ? withRoles(event, await rolesOf(guildId, sender.id), reader.index) : event;
  }

  function needsRoles({ place, sender }: InboundMessage): boolean {
    return place.kind === "guild" && sender.automaton === undefined && policy().asksRoles(place);
  }

  return async ({ id, guildId }: MissedChannel, before?: MessageId): Promise<Page> => {
    const { self, index } = reader;
    if (!self) throw new TypeError("Cannot read a channel's history before READY");
    const page = await readHistory(
      rest,
      id,
      { limit: MAX_HISTORY, before: before || undefined },
      BACKGROUND,
    );
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
function rememberedRoles(rest: RestApi, now: () => number) {
  const known = new Map<string, { readonly roles: readonly RoleId[]; readonly until: number }>();
  return async (guildId: GuildId, userId: UserId): Promise<readonly RoleId[]> => {
    const key = `${guildId} ${userId}`;
    const before = known.get(key);
    if (before && now() < before.until) return before.roles;
    const roles = (await readMember(rest, guildId, userId, BACKGROUND))?.roles ?? [];
    for (const [old, { until }] of known) if (until <= now()) known.delete(old);
    known.set(key, { roles, until: now() + ROLES_MS });
    return roles;
  };
}

/** The permissions that a channel lacks, by their names in Discord's settings. */
type MissingIn = (channelId: ChannelId) => readonly string[];

/** A channel in which the bot gets messages, but may not read the history. */
interface UnreadableChannel {
  readonly channelId: ChannelId;
  /** Name for people: `"#general"`. */
  readonly name: string;
  /** Missing permissions, by their names in Discord's settings. */
  readonly missing: readonly string[];
}

/**
 * Discord's name of the permission. A channel without it is hidden, and no person there expects an
 * answer.
 */
const HIDDEN = "View Channel";

function createUnreadable({ reader, rest, log }: BotAccount) {
  const channels = new Map<ChannelId, UnreadableChannel>();
  const permissions = new Map<GuildId, MissingIn>();

  async function permissionsIn(guildId: GuildId): Promise<MissingIn> {
    if (!reader.self) throw new TypeError("Cannot look at a guild before READY");
    try {
      return await readMissingToRead(rest, guildId, reader.self.userId, BACKGROUND);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return () => []; // the bot has left the guild: there is nothing to grant
    }
  }

  /** A thread has the permissions of its parent. */
  function missingIn({ guildId, place }: MissedChannel): readonly string[] {
    const missingInGuild = guildId && permissions.get(guildId);
    return missingInGuild && place ? missingInGuild(place.channel.id) : [];
  }

  function record(channel: MissedChannel): boolean {
    const missing = missingIn(channel);
    if (missing.length === 0) return false;
    const { id: channelId, guildId } = channel;
    if (missing.includes(HIDDEN)) {
      log.debug("A channel is hidden from the bot", { channelId, guildId });
      return true;
    }
    const name = nameOf(channel);
    channels.set(channelId, { channelId, name, missing });
    log.warn(`Cannot read the missed messages in ${name}`, {
      channelId,
      guildId,
      missing,
      fix: `Grant the bot's role "${missing.join('" and "')}" in ${name}`,
    });
    return true;
  }

  return {
    /** Forgets all results: a person may have granted a permission, or removed a channel. */
    reset(): void {
      permissions.clear();
      channels.clear();
    },
    /** Whether Barnacle already knows that a channel is unreadable. Sends no request. */
    has: (channel: MissedChannel): boolean => missingIn(channel).length > 0 && record(channel),
    /**
     * Checks whether a channel lacks a permission, and logs it.
     *
     * @throws {unknown} Any other failure than a refusal, as a rejection.
     */
    async check(channel: MissedChannel): Promise<boolean> {
      const { guildId } = channel;
      if (!guildId) return false; // in a direct message channel, the bot may always read
      if (!permissions.has(guildId)) permissions.set(guildId, await permissionsIn(guildId));
      return record(channel);
    },
    /** Tells that Barnacle could read a channel. */
    clear: (channelId: ChannelId): void => void channels.delete(channelId),
    /** All known unreadable channels, except hidden ones. */
    list: (): readonly UnreadableChannel[] => [...channels.values()],
  };
}

export interface Page {
  /** Readable messages of the page, newest first. */
  readonly events: readonly PostedMessage[];
  /** Oldest message of the page, readable or not; absent for an empty page. */
  readonly oldest?: MessageId;
  /** Whether the channel begins here. */
  readonly isLast: boolean;
}

/** Messages of a channel that are not read. */
interface UnreadPart {
  /** The oldest message that is read. */
  readonly before: MessageId;
  /** Whether the policy accepts a message that is read: people there expect answers. */
  readonly isExpected: boolean;
}

/** Figures of all messages read for a gap. */
interface Tally {
  /** Messages of other authors, including known ones. */
  read: number;
  /** New ones among them that get an answer. */
  answered: number;
  /** Messages left without an answer because of their age; a known one keeps its stored verdict. */
  tooOld: number;
  /** Messages left without an answer because newer ones fill `maxPerChannel`. */
  tooMany: number;
}

/** Maximum number of pages to read per channel for the record: 1,000 messages. */
export const MAX_PAGES = 10;

/**
 * Prepares the reading of a channel.
 *
 * @param from Unix time in milliseconds of the newest message stored before the gap.
 * @param tally Figures to add to.
 */
export function createMissedReading(
  account: BotAccount,
  channel: MissedChannel,
  from: number,
  tally: Tally,
) {
  const { store: { messages: records }, rest: { discordNow: now } } = account;
  const { catchUp } = account.config().discord.gateway;
  const { maxPerChannel } = catchUp;
  const maxAgeMs = catchUp.maxAgeMin * 60_000;
  const since = endOfReading(from);
  const readPage = (before?: MessageId) => pagesOf(account)(channel, before);
  /** Messages that are not stored yet, newest first. */
  let events: PostedMessage[] = [];
  /** Message before which to continue; `undefined` at the newest message. */
  let before: MessageId | undefined;
  /** The oldest readable message so far. */
  let oldestRead: MessageId | undefined;
  let isComplete = false;
  let pagesRecorded = 0;
  let isExpected = false;

  async function readNextPage(): Promise<void> {
    const page = await readPage(before);
    events.push(...page.events.filter(({ id }) => createdAtMs(id) > since));
    oldestRead = events.at(-1)?.id ?? oldestRead;
    const { oldest = before } = page;
    before = oldest;
    isComplete = page.isLast || oldest === undefined || createdAtMs(oldest) <= since;
  }

  /** Whether no earlier message may get an answer. */
  function isEnough(): boolean {
    if (isComplete || countMessages(events) >= maxPerChannel) return true;
    return before !== undefined && now() - createdAtMs(before) > maxAgeMs;
  }

  async function storeEvents(newest: number): Promise<void> {
    const batch = events.toReversed();
    const messages = batch.filter(({ kind }) => kind === "message");
    const answerable = new Set(
      messages.slice(Math.max(0, messages.length - newest)).map(({ id }) => id),
    );
    const at = { now: now(), maxAgeMs };
    const unanswered = { "too-old": 0, "too-many": 0 };
    const { acceptHistory } = await import("../inbound/accept.ts"); // it leads to turns, which wait here
    const { accepted } = await acceptHistory(account, batch, (message, verdict) => {
      isExpected ||= verdict.kind === "accept" && !message.sender.automaton;
      const judged = judgeMissed(verdict, message, answerable.has(message.id), at);
      if (judged.why === "too-old" || judged.why === "too-many") unanswered[judged.why]++;
      return judged;
    });
    events = [];
    tally.read += messages.length;
    tally.answered += accepted.length;
    tally.tooOld += unanswered["too-old"];
    tally.tooMany += unanswered["too-many"];
  }

  /**
   * Finds the end of what an earlier reading of the gap has recorded, for example before a restart.
   * Otherwise each new message would move the end, and the channel would get a notice again.
   *
   * @param cursor Message before which to continue.
   * @returns The oldest readable message that is read; `undefined` if none before it is missing.
   */
  async function endOfRecords(cursor: MessageId): Promise<MessageId | undefined> {
    let end = oldestRead ?? cursor;
    for (let pages = 0; pages < MAX_PAGES; pages++) {
      const { events, oldest, isLast } = await readPage(cursor);
      for (const { kind, id } of events) {
        if (createdAtMs(id) <= since) return undefined;
        if (kind === "message" && !await records.messageRecordOf({ messageId: id })) return end;
        end = id;
      }
      if (isLast || oldest === undefined || createdAtMs(oldest) <= since) return undefined;
      cursor = oldest;
    }
    return undefined;
  }

  return {
    /**
     * Reads and stores the messages that may get an answer.
     *
     * @returns `empty` if Discord returned no message; `more` if `record` has something to read.
     */
    async answer(): Promise<"empty" | "done" | "more"> {
      while (!isEnough()) await readNextPage();
      if (before === undefined) return "empty";
      await storeEvents(maxPerChannel);
      return isComplete ? "done" : "more";
    },
    /**
     * Stores the messages before them.
     *
     * @returns What is not read, if there are more than {@link MAX_PAGES} pages of them.
     */
    async record(): Promise<UnreadPart | undefined> {
      while (events.length > 0 || !isComplete && pagesRecorded < MAX_PAGES) {
        if (events.length === 0) await readNextPage(); // else the store has refused the last page
        await storeEvents(0);
        pagesRecorded++;
      }
      const end = isComplete || !before ? undefined : await endOfRecords(before);
      return end && { before: end, isExpected };
    },
  };
}

function countMessages(events: readonly PostedMessage[]): number {
  return events.reduce((count, { kind }) => kind === "message" ? count + 1 : count, 0);
}

/** A channel that may contain missed messages. */
interface MissedChannel {
  /** Id of the channel, thread or direct message channel. */
  readonly id: ChannelId;
  /** Absent for a direct message channel. */
  readonly guildId?: GuildId;
  /** The channel with its names; absent for a direct message channel. */
  readonly place?: GuildPlace;
  /** Newest message, as far as Discord has reported; absent if unknown. */
  readonly lastMessageId?: MessageId | "none";
}

/** Milliseconds by which reading goes back before the gap. */
const MARGIN_MS = 10_000;

/**
 * How far to read back.
 *
 * @param from Unix time in milliseconds of the newest message stored before the gap.
 * @returns Unix time in milliseconds.
 */
export function endOfReading(from: number): number {
  return from - MARGIN_MS;
}

/** Whether the senders learn of it: only where people expect answers, and within a day. */
function mayTellUnread({ before, isExpected }: UnreadPart, now: number): boolean {
  return isExpected && now - createdAtMs(before) <= TOLD_WITHIN_MS;
}

/** Whether a channel may have messages since then; true if unknown. */
export function mayHaveMissed({ lastMessageId }: MissedChannel, since: number): boolean {
  if (lastMessageId === "none") return false;
  return lastMessageId === undefined || createdAtMs(lastMessageId) > since;
}

/** A channel's name for the log. */
export function nameOf({ id, place }: MissedChannel): string {
  return place ? `#${(place.thread ?? place.channel).name}` : `the direct messages ${id}`;
}

/**
 * Changes the verdict on a missed message that must not be answered.
 *
 * It changes only verdicts that accept, or may accept later. A later turn may see an accepted
 * message all the same. An undecided one stays out of it.
 *
 * @param isAmongNewest Whether it is one of the newest `maxPerChannel` messages of its channel.
 * @param limits `now` is Unix time in milliseconds.
 */
export function judgeMissed(
  verdict: Verdict,
  { sentAt }: { readonly sentAt: number },
  isAmongNewest: boolean,
  { now, maxAgeMs }: { readonly now: number; readonly maxAgeMs: number },
): Verdict {
  if (verdict.kind === "ignore") return verdict;
  const leave = (why: IgnoreReason, key: string): Verdict => ({
    kind: "ignore",
    why,
    rule: `${CATCH_UP_RULES}.${key}`,
    keepAsContext: verdict.kind === "accept",
  });
  if (now - sentAt > maxAgeMs) return leave("too-old", "maxAgeMin");
  return isAmongNewest ? verdict : leave("too-many", "maxPerChannel");
}
