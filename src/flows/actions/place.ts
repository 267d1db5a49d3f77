/**
 * Makes the place in which an action of the tool `discord` acts: its reads and writes, edits of the bot's
 * own messages, and posts of forums.
 */

import { show } from "../judging/judge.ts";
import { z } from "zod";
import { type ChannelId, compareIds, type MessageId, type UserId } from "../../core/discord/ids.ts";
import { listOrEmpty, snowflakeSchema } from "../../core/discord/lenient.ts";
import { nonceOfCall } from "../../core/outbound/outbound.ts";
import type { PostOutcome } from "../../core/outbound/outbound.ts";
import { badArguments } from "../../core/turn/tool.ts";
import { type Channel, isForum } from "../../core/rights/rights.ts";
import type { Need } from "../../core/rights/rights.ts";
import {
  type DiscordRequest,
  mayGoOn,
  notPressed,
  ProbeEnded,
  UNDO_MINUTES,
} from "../../core/turn/discord_place.ts";
import type { DiscordCall, ToolTarget, UndoSteps } from "../../core/turn/discord_place.ts";
import { expect, RestError } from "../../discord/rest/exchange/exchange.ts";
import {
  channelOf,
  createGuildReads,
  explainCode,
} from "../../discord/rest/requests/guild_reads.ts";
import { editMessage, readMessage } from "../../discord/rest/requests/messages.ts";
import { waitFor } from "../../lib/clock.ts";
import { asPicture } from "../../media/image.ts";
import { cleanText, composed, sendAndWait, titleFor } from "../deliver/tool_messages.ts";
import { readFileFor } from "../media/outbound_files.ts";
import type { Caller, FoundTarget } from "./targets.ts";
import { answeredIn, assertBotMay, assertMay, channelAt } from "./targets.ts";

/** Whether a message of the bot answers each person who asks. */
async function isAnswerTo(
  { account: { accountId, store }, askers }: Caller,
  messageId: MessageId,
): Promise<boolean> {
  const answered = await store.inbox.askerOf(accountId, messageId);
  return answered !== undefined && askers.every(({ userId }) => userId === answered);
}

export async function editOwn(call: DiscordCall, { target, found, caller, messageId, text }: {
  readonly target: ToolTarget;
  readonly found: FoundTarget;
  /** The message that caused the call, and its askers. */
  readonly caller: Caller;
  readonly messageId: MessageId;
  readonly text: string;
}): Promise<void> {
  const { accountId, reader, rest, store } = call.account;
  const { authorId, hasControls } = await readMessage(rest, target.channelId, messageId);
  if (authorId !== reader.self?.userId) throw badArguments("you can edit only your own messages");
  // At Discord, no moderator edits the messages of others.
  const userId = await store.inbox.askerOf(accountId, messageId);
  await assertMay(caller, found, [{ kind: "posted_for", userId }]);
  // Its buttons would stay, and a person would decide by another text (SEC-R20).
  if (hasControls) throw badArguments("a message with buttons cannot be edited");
  const [first, ...others] = composed(call, target, { text });
  if (!first || others.length > 0 || first.files.length > 0) {
    throw badArguments("`text` is longer than one message");
  }
  assertDone(await editMessage(rest, messageId, first.message, []));
}

/** @throws {Error} If Discord has not carried the request out. */
function assertDone(outcome: PostOutcome): void {
  if (outcome.kind === "created") return;
  if (outcome.kind === "already_gone") {
    throw badArguments("there is no such message in that channel");
  }
  const code = outcome.kind === "refused" ? outcome.code : undefined;
  throw new Error((code === undefined ? undefined : explainCode(code)) ?? outcome.reason);
}

/** The answer of a search whose index is not ready (202). */
const notReadySchema = z.object({ code: z.literal(110_000), retry_after: z.number() });

/** The seconds after which Discord's index may be ready; `undefined` for another answer. */
function indexWaitOf(answer: unknown): number | undefined {
  const notReady = notReadySchema.safeParse(answer).data;
  return notReady && Math.min(Math.max(notReady.retry_after, 1), 15);
}

interface DestructiveChange {
  /**
   * Its effect, as the end of "would": `"delete <#5>"`. Its readers may not see the channel that it
   * names, so it has a mention in place of the channel's name, and no word that it replaces.
   */
  readonly what: string;
  readonly dryRun: boolean;
  /** Absent if Discord does not let it be taken back. */
  readonly undo?: UndoSteps;
  /** Set if a person must allow it first, because people lose something for good (T3). */
  readonly asks?: boolean;
}

const FINAL = "this, or a part of it, cannot be undone, so a person must allow it first";
const limit = (most: number) => `this turn may make ${most} destructive changes by itself`;

/** A place in which an action may act. Its methods reject with words for the model. */
export type ActionPlace = ReturnType<typeof actionPlace>;

function actionPlace(call: DiscordCall, caller: Caller, found: FoundTarget) {
  const { account, message, callKey } = call;
  const { accountId, now, store: { changes, inbox } } = account;
  const clean = (text: string) => cleanText(account, text);
  const userId = account.reader.self?.userId;
  if (userId === undefined) throw new Error("the bot does not know its own id yet");
  const { place } = message;
  return {
    /** Waits while Discord builds an index (202). */
    request: call.isProbe ? probing(createRequests(call)) : createRequests(call),
    assertMay: (needs: readonly Need[]) => assertMay(caller, found, needs),
    /** Rejects if the bot lacks a right, before Discord refuses. */
    assertBotMay: (needs: readonly Need[]) => assertBotMay(caller, found, needs),
    /** Finds another channel that the turn may reach; rejects if the asker lacks a right there. */
    async assertMayIn(channelId: ChannelId, needs: readonly Need[]): Promise<Channel> {
      const other = await channelAt(caller, channelId);
      await assertMay({ ...caller, shownTo: undefined }, other, needs);
      await assertBotMay(caller, other, needs);
      return await other.channel();
    },
    /**
     * Runs a destructive step once: counts it for the turn, and stores the way to take it back.
     *
     * @param run Returns the result for the model.
     * @returns The result, with a line about undoing; or, for a dry run, its effect.
     */
    async change(
      { what: written, dryRun, undo, asks = false }: DestructiveChange,
      run: () => Promise<string>,
    ): Promise<string> {
      const what = clean(written); // a card shows it, and it may quote a message
      const about = undo ? `It can be undone for ${UNDO_MINUTES} minutes.` : "It cannot be undone.";
      if (dryRun) return `Dry run: this would ${what}. ${about}`;
      if (call.isProbe) throw new ProbeEnded({ what, asks });
      const isAllowed = mayGoOn(call.decision);
      if (asks && !isAllowed) throw notPressed(FINAL, "irreversible", call.decision);
      const most = isAllowed ? Infinity : account.config().tools.discord.maxDestructive;
      if (call.decision && !isAllowed) {
        throw notPressed(limit(most), "max_destructive", call.decision);
      }
      const { guild, channelId } = found;
      const made = await changes.begin(
        {
          accountId,
          callKey,
          turnId: message.id,
          askerId: message.sender.id,
          guildId: guild?.id,
          channelId: channelId || undefined,
          what,
          undo,
        },
        most,
        now(),
      );
      if (!made) throw notPressed(limit(most), "max_destructive", call.decision);
      try {
        const result = await run();
        if (made.undo) call.noteEffect?.({ change: made.id });
        return made.undo
          ? `${result} To undo: undo(id ${made.id}). ${about}`
          : `${result} ${about}`;
      } catch (error) {
        if (isRefused(error)) await changes.refused(made.id);
        throw error;
      }
    },
    /** Shows a message in Discord's own form; `undefined` if the model may not see it (P10). */
    show: async (raw: unknown) => {
      const isMessage = typeof raw === "object" && raw !== null && "id" in raw &&
        typeof raw.id === "string";
      if (!isMessage) return undefined;
      return await show(account, { ...raw, id: String(raw.id) }, {
        guildId: found.guild?.id,
        isGroup: place.kind === "group_dm",
        isElsewhere: "channel_id" in raw && raw.channel_id !== message.channelId,
      });
    },
    /** Reads a picture, from a source as `readFileFor()` takes it. */
    async media(from: string, maxBytes: number) {
      if (call.isProbe) throw new ProbeEnded();
      return asPicture(await readFileFor(call, from, maxBytes));
    },
    clean,
    /** Cleans a text as that of an answer; throws if it is longer than one message. */
    text(written: string): string {
      const target = {
        channelId: found.channelId ?? message.channelId,
        guildId: found.guild?.id,
        parentId: found.parentId,
      };
      const [first, ...others] = composed(call, target, { text: written });
      if (!first || others.length > 0 || first.files.length > 0) {
        throw badArguments("`text` is longer than one message");
      }
      return first.message.content;
    },
    /** Key of a message that a repeated call finds again. */
    nonce: nonceOfCall(callKey, 0),
    self: userId,
    /** Whether the bot posted a message for each person who asks: it is theirs to change. */
    isAnswerToAsker: (messageId: MessageId) => isAnswerTo(caller, messageId),
    postedFor: (messageId: MessageId) => inbox.askerOf(accountId, messageId),
    /** Stores that the bot has posted a message for the person who asks, beside the outbox. */
    posted: (messageId: MessageId) =>
      changes.posted({ accountId, messageId, askerId: message.sender.id }, now()),
    askerId: message.sender.id,
    nowMs: now(),
  };
}

/** A server in which an action may act. */
export type OpenedGuild = ReturnType<typeof openGuild>;

export function openGuild(call: DiscordCall, caller: Caller, found: FoundTarget) {
  if (!found.guild) throw badArguments("that is possible on a server only");
  const { id: guildId } = found.guild;
  let { reads } = found.guild;
  // An owner allows one action, and not more in lists than the asker may see.
  const { decision: _, ...own } = caller;
  const maySee = async (channel: ChannelId | Channel, needs: readonly Need[] = []) => {
    try {
      const there = typeof channel === "string"
        ? await channelAt(own, channel)
        : inGuild(found, channel);
      if (there.guild?.id !== guildId) return false;
      await assertMay(own, { ...there, guild: { id: guildId, reads } }, needs);
      return true;
    } catch (error) {
      if (error instanceof RestError) throw error;
      return false;
    }
  };
  return {
    ...actionPlace(call, caller, found),
    guildId,
    facts: reads.facts,
    async member(userId: UserId) {
      const member = await reads.member(userId);
      if (!member) throw badArguments("that user is not a member of the server");
      return member;
    },
    memberIfAny: reads.member,
    isBanned: reads.isBanned,
    /** A user for people, also one who is not in the server: `"mallory (123)"`. */
    labelOf: async (userId: UserId) => `${await reads.username(userId)} (${userId})`,
    /** Channels, without threads, in which the asker has these rights. */
    async channels(needs: readonly Need[] = []) {
      reads = createGuildReads(call.account.rest, guildId); // the rights of this moment
      const all = [...(await reads.channels()).values()];
      const seen = await Promise.all(all.map((channel) => maySee(channel, needs)));
      return all.filter((_, index) => seen[index]);
    },
    /** Whether the asker has these rights in a channel or thread; false if it does not exist. */
    maySee,
    read: channelOf,
    /** Rejects if people read another channel who may not read this place. */
    async assertMayShowIn(channel: Channel) {
      const shownTo = await answeredIn(call.message, { id: guildId, reads }, channel);
      await assertMay({ ...caller, shownTo }, found, ["Read Message History"]);
    },
  };
}

/** A channel in which an action may act, with its server; absent in direct messages. */
export type ChannelPlace = Awaited<ReturnType<typeof openChannel>>;

export async function openChannel(call: DiscordCall, caller: Caller, found: FoundTarget) {
  const { guild } = found;
  return {
    ...actionPlace(call, caller, found),
    channel: await found.channel(),
    guild: guild ? openGuild(call, caller, { ...found, guild }) : undefined,
  };
}

/** A channel of the same server, with the facts that were read already. */
function inGuild({ guild }: FoundTarget, channel: Channel): FoundTarget {
  return { channelId: channel.id, channel: () => Promise.resolve(channel), guild };
}

/** Whether Discord has certainly not carried the request out. */
function isRefused(error: unknown): boolean {
  return !(error instanceof RestError) || error.kind !== "unavailable";
}

/** Lets a probe read, but neither change anything nor search. */
function probing(request: SendRequest): SendRequest {
  return (method, path, options) =>
    method === "GET" && !path.endsWith("/messages/search")
      ? request(method, path, options)
      : Promise.reject(new ProbeEnded());
}

/** Milliseconds to wait for an index altogether. */
const INDEX_MS = 60_000;

/** Characters of a reason in the audit log at Discord. */
const MAX_REASON = 512;

type DiscordMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Sends a request for a call; rejects as `RestApi` does, and once the call is aborted. */
type SendRequest = (
  method: DiscordMethod,
  path: string,
  options?: DiscordRequest,
) => Promise<unknown>;

function createRequests({ account, message, signal }: DiscordCall): SendRequest {
  const { now, rest, schedule } = account;
  return async (method, path, { query = {}, body, reason, form } = {}) => {
    const until = now() + INDEX_MS;
    const options = {
      signal,
      body: body ? { ...body } : undefined,
      ...(form && { body: formOf(form) }),
      reason: method !== "GET" ? auditReason(reason) : undefined,
    };
    for (;;) {
      signal.throwIfAborted();
      const answer = await rest.request(method, path + queryOf(query), options);
      const waitSec = indexWaitOf(answer);
      if (waitSec === undefined) return answer;
      const waitMs = waitSec * 1_000;
      if (now() + waitMs > until) {
        throw new Error("Discord is still building its search index; try again in a minute");
      }
      await waitFor(waitMs, schedule, signal);
    }
  };

  /** The audit log names the person, because the log itself names only the bot. */
  function auditReason(reason: string | undefined): string {
    const { id, username } = message.sender;
    const by = `asked by ${username} (${id})`;
    const text = cleanText(account, reason ? `${by}: ${reason}` : by);
    return text.slice(0, MAX_REASON).toWellFormed();
  }
}

function queryOf(query: NonNullable<DiscordRequest["query"]>): string {
  const parameters = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (one !== undefined) parameters.append(name, String(one));
    }
  }
  const text = parameters.toString();
  return text === "" ? "" : `?${text}`;
}

function formOf({ fields, file }: NonNullable<DiscordRequest["form"]>): FormData {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  form.append("file", new Blob([file.bytes], { type: file.contentType }), file.name);
  return form;
}

const activeSchema = z.lazy(() => z.object({ threads: listOrEmpty(z.unknown()) }));
const idSchema = z.object({ id: snowflakeSchema<"channel">() });

export interface OpenedThread {
  readonly threadId: ChannelId;
  readonly title: string;
  /** Whether the message had a thread already. */
  readonly existed: boolean;
}

export interface NewPost {
  readonly channelId: ChannelId;
  readonly title: string;
  /** Text of its first message. */
  readonly text: string;
  /** Names or ids of the forum's tags. */
  readonly tags: readonly string[];
  /** Minutes without a message after which Discord archives it: a time that Discord knows. */
  readonly archiveAfterMin?: number;
}

export async function openPostIn(
  call: DiscordCall,
  { title: written, text, tags, archiveAfterMin }: NewPost,
  target: ToolTarget,
  found: FoundTarget,
  caller: Caller,
): Promise<OpenedThread> {
  const { account: { reader, rest: discord }, signal } = call;
  const forum = await found.channel();
  const { guild } = found;
  if (!isForum(forum) || !guild) throw badArguments("that channel is no forum");
  const title = titleFor(call.account, written);
  if (title === "") throw badArguments("the title has no letters");
  const chosen = tags.map((name) => {
    const tag = forum.tags.find((one) =>
      one.id === name || one.name.toLowerCase() === name.toLowerCase()
    );
    if (tag) return tag;
    throw badArguments(`the forum has no tag ${JSON.stringify(name)}: see its channelInfo`);
  });
  if (chosen.some(({ isModerated }) => isModerated)) {
    await assertMay(caller, found, ["Manage Threads"]);
  }
  const active = expect(
    "GET /guilds/:id/threads/active",
    activeSchema,
    await discord.request("GET", `/guilds/${guild.id}/threads/active`, { signal }),
  ).threads.flatMap((raw) => channelOf(raw) ?? []);
  const known = active.find(({ id, parentId, name, thread }) =>
    parentId === forum.id && name === title && thread?.ownerId === reader.self?.userId &&
    compareIds(id, call.message.id) > 0
  );
  if (known) return { threadId: known.id, title, existed: true };

  const [first, ...rest] = composed(call, target, { text });
  if (!first) throw badArguments("`text` has nothing to show");
  const { content, pings } = first.message;
  const { id: threadId } = expect(
    "POST /channels/:id/threads",
    idSchema,
    await discord.request("POST", `/channels/${forum.id}/threads`, {
      signal,
      body: {
        name: title,
        autoArchiveDuration: archiveAfterMin,
        appliedTags: chosen.length > 0 ? chosen.map(({ id }) => id) : undefined,
        message: { content, allowedMentions: { parse: [], users: pings.users } },
      },
    }),
  );
  if (rest.length > 0) {
    const there = rest.map((one) => ({ ...one, message: { ...one.message, channelId: threadId } }));
    const results = await sendAndWait(call, there);
    const failed = results.find(({ kind }) => kind === "failed");
    if (failed?.kind === "failed") {
      throw new Error(
        `the post ${threadId} is open with the start of the text, but Discord does not take the ` +
          `rest: ${failed.reason ?? "no reason given"}`,
      );
    }
  }
  return { threadId, title, existed: false };
}
