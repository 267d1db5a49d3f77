/**
 * Searches a server's own messages (T17): those that the store keeps, Discord's search, titles of
 * threads, and topics of channels.
 *
 * A found message is read at Discord before it is shown. If Discord does not have it any more, the
 * store loses it, too.
 */

import type { ChannelId, GuildId, MessageId } from "../../../core/discord/ids.ts";
import type { AccountId } from "../../../core/discord/ids.ts";
import { parseSnowflake } from "../../../core/discord/ids.ts";
import type { Channel } from "../../../core/rights/channel.ts";
import { messageLink } from "../../../core/turn/decided_action.ts";
import type { Show } from "../../../core/turn/ports/discord_call.ts";
import type {
  FoundReply,
  FoundSource,
  FoundSources,
  SearchReach,
  SearchServers,
  ServerQuery,
} from "../../../core/turn/ports/search.ts";
import type { StartTimer } from "../../../lib/clock.ts";
import { comparing } from "../../../lib/text/search_words.ts";
import { channelOf } from "../requests/guild_reads.ts";
import { createMessageSearch } from "../requests/message_search.ts";
import { createSingleReads } from "../requests/single_message.ts";
import { RestError } from "../exchange/rest_error.ts";
import { createReadable, type Readable, type ReadableOptions } from "./readable.ts";
import type { Knowledge } from "../../../store/knowledge/knowledge.ts";

/** Found messages of the store, and servers of a direct search. */
const MAX_KNOWN = 30;
const MAX_GUILDS = 5;
/** What a source must match, from 0 to 1: paraphrases of a question share few of its words. */
const MIN_SCORE = 0.15;
/** Texts that people put in a lasting place count more. */
const PINNED = 0.1;
/** Found messages that are read at Discord for one search. */
const MAX_READ = 20;
/** Replies of a source whose words are shown. */
const MAX_REPLIES = 2;
/** Milliseconds of a search after which it reads the rights again: it may wait for Discord's index. */
const RIGHTS_MS = 1_000;

const STILL_BUILDING =
  "Discord is still building its search index of this server: older messages may be missing";
const NOT_ALL_INDEXED =
  "the newest messages are not all in the index yet; search again in a moment";

/** Something that may be shown, before Discord was asked for it. */
interface Candidate {
  readonly kind: FoundSource["kind"];
  readonly channelId: ChannelId;
  /** Absent for a topic. */
  readonly messageId?: MessageId;
  readonly text: string;
  readonly score: number;
  readonly isPinned?: true;
  readonly replies: readonly MessageId[];
}

/**
 * Creates the searches of an account. The function is long because its inner functions are the steps
 * of one search, over the same ports.
 */
export function createServerSearch(
  options: ReadableOptions & {
    readonly accountId: AccountId;
    readonly show: Show;
    readonly knowledge: Pick<Knowledge, "search" | "removeKnown">;
    /** The servers in which the config lets searches read a channel. */
    readonly guilds: () => readonly GuildId[];
    readonly schedule: StartTimer;
  },
): SearchServers {
  const { accountId, client, knowledge, show, guilds, schedule, now } = options;
  const readableIn = createReadable(options);
  const searchMessages = createMessageSearch(client, schedule);
  const single = createSingleReads(client);

  /** Everything that may match in a server, the best first. */
  async function candidatesIn(
    readable: Readable,
    query: ServerQuery,
    by: SearchReach,
    notes: Set<string>,
  ): Promise<readonly Candidate[]> {
    const { guildId, channels } = readable;
    // Discord's words about a channel would tell that it exists.
    if (query.channelId !== undefined && !await readable.open(query.channelId)) return [];
    const score = comparing(query.words);
    const among = new Set(channels.keys());
    const known = await knowledge.search({ ...query, accountId, guildId, among, limit: MAX_KNOWN });
    if (known.unindexed > 0) notes.add(NOT_ALL_INDEXED);
    const found = new Map<string, Candidate>(known.hits.map((hit) => [hit.messageId, {
      kind: "message",
      ...hit,
    }]));
    const scope = query.channelId === undefined ? [...among] : [query.channelId];
    const range = { authorId: query.authorId, before: query.before, after: query.after };
    const remote = await searchMessages(
      guildId,
      { ...range, content: query.words, channelIds: scope },
      { signal: by.signal, waitMs: found.size >= query.limit ? 0 : by.waitMs },
    );
    if (!remote) notes.add(STILL_BUILDING);
    for (const { id, channelId, text, isPinned } of remote ?? []) {
      const before = found.get(id);
      const bonus = isPinned ? PINNED : 0;
      found.set(id, {
        kind: "message",
        channelId,
        messageId: id,
        text,
        isPinned: isPinned || undefined,
        replies: before?.replies ?? [],
        // Discord's own idea of a match counts a little, too.
        score: Math.max(before?.score ?? 0, score(text), MIN_SCORE) + bonus,
      });
    }
    const isFree = query.authorId === undefined && !query.before && !query.after;
    const lasting = isFree ? await lastingIn(readable, query, by.signal, score) : [];
    for (const one of lasting) {
      const key = one.messageId ?? one.channelId;
      const before = found.get(key);
      if (!before || before.score < one.score) found.set(key, one);
    }
    return [...found.values()].filter((one) => one.score >= MIN_SCORE)
      .sort((one, other) => other.score - one.score);
  }

  /** Titles of threads that are not archived, and topics of channels. */
  async function lastingIn(
    { guildId, channels, openThread }: Readable,
    { channelId: wanted }: ServerQuery,
    signal: AbortSignal,
    score: (text: string) => number,
  ): Promise<readonly Candidate[]> {
    const topics = [...channels.values()].flatMap(({ id, topic }): readonly Candidate[] =>
      topic === undefined || (wanted !== undefined && wanted !== id)
        ? []
        : [{ kind: "topic", channelId: id, text: topic, score: score(topic), replies: [] }]
    );
    const posts: Candidate[] = [];
    const answer = await client.request("GET", `/guilds/${guildId}/threads/active`, { signal });
    for (const thread of threadsIn(answer)) {
      const { id, name, parentId } = thread;
      const points = score(name);
      const messageId = parseSnowflake<"message">(id); // a post has the id of its first message
      if (points < MIN_SCORE || !messageId || (wanted && wanted !== id && wanted !== parentId)) {
        continue;
      }
      if (await openThread({ ...thread, guildId })) {
        posts.push({
          kind: "post",
          channelId: id,
          messageId,
          text: name,
          score: points + PINNED,
          replies: [],
        });
      }
    }
    return [...topics, ...posts];
  }

  /** The first replies that Discord has, and that may be shown. */
  async function repliesThere(
    { channelId, replies }: Candidate,
    guildId: GuildId,
    isElsewhere: boolean,
  ): Promise<readonly FoundReply[]> {
    const there: FoundReply[] = [];
    for (const id of replies) {
      if (there.length === MAX_REPLIES) break;
      try {
        const { raw } = await single.message(channelId, id);
        const reply = await show(raw, { guildId, isGroup: false, isElsewhere });
        if (reply) there.push({ link: messageLink({ guildId, channelId, id }), text: reply.text });
      } catch (error) {
        if (!(error instanceof RestError) || error.code === undefined) throw error;
        if (error.kind === "not_found") await knowledge.removeKnown(accountId, [id]);
      }
    }
    return there;
  }

  /** Reads a candidate at Discord; `undefined` if it may not be shown, or is gone. */
  async function sourceOf(
    candidate: Candidate,
    readable: Readable,
    { messages: [question] }: SearchReach,
  ): Promise<FoundSource | undefined> {
    const { kind, channelId, messageId, text, score, isPinned } = candidate;
    const { guildId } = readable;
    const channel = await readable.open(channelId);
    if (!channel) return undefined;
    const isElsewhere = channelId !== question?.channelId;
    const replies = await repliesThere(candidate, guildId, isElsewhere);
    const common = { kind, where: nameOf(channel), replies, score, isPinned };
    if (messageId === undefined || kind === "topic") {
      return { ...common, link: `https://discord.com/channels/${guildId}/${channelId}`, text };
    }
    try {
      const { raw } = await single.message(channelId, messageId);
      const message = await show(raw, { guildId, isGroup: false, isElsewhere });
      const link = messageLink({ guildId, channelId, id: messageId });
      return message &&
        {
          ...common,
          link,
          message,
          text: kind === "post" ? `${text}\n${message.text}` : message.text,
        };
    } catch (error) {
      if (!(error instanceof RestError)) throw error;
      if (error.kind === "not_found") {
        await knowledge.removeKnown(accountId, [messageId]);
        // A thread that began on a message of its channel has no first message of its own.
        return kind === "post"
          ? { ...common, link: `https://discord.com/channels/${guildId}/${channelId}`, text }
          : undefined;
      }
      if (error.code !== undefined) return undefined; // the bot may not read it
      throw error;
    }
  }

  return async (by, query): Promise<FoundSources> => {
    const notes = new Set<string>();
    const startedAt = now();
    const [question] = by.messages;
    if (!question) return { sources: [], notes: [] };
    const { guildId: here } = question;
    const servers = here !== undefined
      ? [here]
      : guilds().filter((id) => query.guildId === undefined || id === query.guildId)
        .slice(0, MAX_GUILDS);
    const own = new Set(by.messages.map(({ id }) => id));
    const all: FoundMessage[] = [];
    for (const guildId of servers) {
      const readable = await readableIn(by, guildId);
      if (!readable) continue;
      const candidates = await candidatesIn(readable, query, by, notes);
      for (const candidate of candidates) {
        if (candidate.messageId && own.has(candidate.messageId)) continue; // the question itself
        all.push({ readable, candidate });
      }
    }
    all.sort((one, other) => other.candidate.score - one.candidate.score);
    const shown: (FoundMessage & { readonly source: FoundSource })[] = [];
    for (let at = 0; at < Math.min(all.length, MAX_READ) && shown.length < query.limit;) {
      by.signal.throwIfAborted();
      const part = all.slice(at, at + query.limit - shown.length);
      at += part.length;
      const found = await Promise.all(part.map(async (one) => {
        const source = await sourceOf(one.candidate, one.readable, by);
        return source ? [{ ...one, source }] : [];
      }));
      shown.push(...found.flat());
    }
    const still = now() - startedAt < RIGHTS_MS ? shown : await stillReadable(by, shown);
    return { sources: still.map(({ source }) => source), notes: [...notes] };
  };

  /** Those of some results that the search may show by the rights of now. */
  async function stillReadable<One extends FoundMessage>(
    by: SearchReach,
    shown: readonly One[],
  ): Promise<readonly One[]> {
    const again = new Map<GuildId, Readable | undefined>();
    const still: One[] = [];
    for (const one of shown) {
      const { readable: { guildId }, candidate: { channelId } } = one;
      if (!again.has(guildId)) again.set(guildId, await readableIn(by, guildId));
      if (await again.get(guildId)?.open(channelId)) still.push(one);
    }
    return still;
  }
}

interface FoundMessage {
  readonly readable: Readable;
  readonly candidate: Candidate;
}

function nameOf({ name }: Channel): string {
  return `#${name}`;
}

/** The threads of Discord's answer; those that do not fit are left out. */
export function threadsIn(answer: unknown): readonly Channel[] {
  if (typeof answer !== "object" || answer === null || !("threads" in answer)) return [];
  const { threads } = answer;
  return Array.isArray(threads) ? threads.flatMap((raw) => channelOf(raw) ?? []) : [];
}
