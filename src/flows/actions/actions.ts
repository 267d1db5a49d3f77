/**
 * Acts on Discord for tools: with the rights of the asker, within the server of the turn (T3 to T5).
 *
 * Each action finds its place, checks the rights of the people who ask and of the bot there, and then
 * acts. A refusal of Discord becomes words for the model.
 */

import { show, showAll } from "../judging/judge.ts";
import { z } from "zod";
import {
  type ChannelId,
  compareIds,
  type GuildId,
  type MessageId,
  type UserId,
} from "../../core/discord/ids.ts";
import { listed, snowflakeSchema } from "../../core/discord/lenient.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { afterDone, badArguments, RefusedCall } from "../../core/turn/tool.ts";
import type { Need } from "../../core/rights/rights.ts";
import {
  type DiscordCall,
  ProbeEnded,
  type ShownMessage,
  type ShownPlace,
  type ToolTarget,
} from "../../core/turn/discord_place.ts";
import type { UndoneAction } from "../../core/turn/discord_place.ts";
import { changePresence, type NewPresence } from "../presence.ts";
import { perAccount } from "../../account/per_account.ts";
import type { RestApi } from "../../discord/rest/client/client.ts";
import { expect } from "../../discord/rest/exchange/exchange.ts";
import { beginThread, openDirect, readChannel } from "../../discord/rest/requests/guild_reads.ts";
import {
  deleteReaction,
  type HistoryRange,
  putReaction,
  readHistory,
  readMessage,
} from "../../discord/rest/requests/messages.ts";
import { createKeyedQueue } from "../../lib/clock.ts";
import type { ToolPost } from "../../render/tool_message.ts";
import { cleanText, composed, sendAndWait, titleFor } from "../deliver/tool_messages.ts";
import { fileForPeople } from "../media/outbound_files.ts";
import { editOwn, openChannel, openGuild, openPostIn } from "./place.ts";
import type { ChannelPlace, NewPost, OpenedGuild, OpenedThread } from "./place.ts";
import {
  assertBotMay,
  assertMay,
  callerOf,
  channelAt,
  guildAt,
  inWords,
  refusal,
} from "./targets.ts";
import type { Caller, FoundTarget } from "./targets.ts";
import { undo } from "./undo.ts";

/** Minutes without a message after which Discord archives a thread. */
const ARCHIVE_AFTER_MIN = 1_440;

/** Messages of a session must not overtake each other. */
const queueOf = perAccount("turns", () => createKeyedQueue<string>());

const inOrder = <Result>(
  { account, sessionKey }: DiscordCall,
  act: () => Promise<Result>,
): Promise<Result> => queueOf(account).run(sessionKey, act);

/** Runs a request in a place; a refusal becomes words for the model. */
async function run<Result>(
  call: DiscordCall,
  find: (caller: Caller) => Promise<FoundTarget>,
  { asker, bot = asker, isBotChecked = false }: NeededRights,
  act: (found: FoundTarget, caller: Caller) => Promise<Result>,
): Promise<Result> {
  return await inOrder(call, async () => {
    const caller = callerOf(call);
    const found = await find(caller);
    await assertMay(caller, found, asker);
    if (isBotChecked && bot.length > 0) await assertBotMay(caller, found, bot);
    try {
      return await act(found, caller);
    } catch (error) {
      throw await refusal(error, caller, found, bot);
    }
  });
}

/** Runs a request in a channel that the asker may use. */
const within = <Result>(
  call: DiscordCall,
  channelId: ChannelId | undefined,
  rights: NeededRights,
  act: (target: ToolTarget, found: FoundTarget, caller: Caller) => Promise<Result>,
): Promise<Result> => acting(call, (caller) => channelAt(caller, channelId), rights, act);

/** The same, in a channel that is found otherwise. */
const acting = <Result>(
  call: DiscordCall,
  find: (caller: Caller) => Promise<FoundTarget>,
  rights: NeededRights,
  act: (target: ToolTarget, found: FoundTarget, caller: Caller) => Promise<Result>,
): Promise<Result> =>
  run(
    call,
    find,
    rights,
    (found, caller) => {
      if (call.isProbe) throw new ProbeEnded(); // its rights are checked
      const guildId = found.guild?.id;
      const { channelId = caller.channelId, parentId } = found;
      const target = { channelId, guildId, parentId };
      return act(target, found, caller);
    },
  );

const shownPlace = (
  { place, channelId: here }: InboundMessage,
  { channelId, ...target }: ToolTarget,
): ShownPlace => ({
  ...target,
  isGroup: place.kind === "group_dm",
  isElsewhere: channelId !== here,
});

export interface MessageAt {
  /** Absent: the channel of the turn. */
  readonly channelId?: ChannelId;
  readonly messageId: MessageId;
}

export interface TextFor extends Omit<ToolPost, "files"> {
  /** Absent: the channel of the turn. */
  readonly channelId?: ChannelId;
  /** A person to write to directly, in place of a channel: the asker, or for owners anyone. */
  readonly userId?: UserId;
  /** A file to attach, as `readFileFor()` takes it. */
  readonly media?: string;
}

/** A stored text. Barnacle delivers it, even after a crash. */
export interface SentText extends Omit<ToolTarget, "parentId"> {
  readonly messageIds: readonly MessageId[];
  /** Its rows in the outbox, if Discord does not have all of its messages yet. */
  readonly waits?: readonly number[];
}

/** Sends a text once, also if a crash repeats the call. Waits some seconds for Discord. */
export async function send(
  call: DiscordCall,
  { channelId, userId, media, ...post }: TextFor,
): Promise<SentText> {
  const needs: Need[] = ["Send Messages"];
  if (media !== undefined) needs.push("Attach Files");
  if (post.embed) needs.push("Embed Links");
  const find = (caller: Caller) =>
    userId === undefined ? channelAt(caller, channelId) : directOf(call, caller, userId);
  return await acting(call, find, { asker: needs }, async (target, found, caller) => {
    await assertBotMay(caller, found, needs);
    const files = media === undefined ? [] : [await fileForPeople(call, { from: media }, target)];
    const results = await sendAndWait(call, composed(call, target, { ...post, files }));
    const failed = results.find(({ kind }) => kind === "failed");
    if (failed?.kind === "failed") {
      const reason = failed.reason ?? "no reason given";
      const posted = results.flatMap((one) => one.kind === "sent" ? one.messageId ?? [] : []);
      throw new Error(
        posted.length === 0
          ? `Discord does not take the message: ${reason}`
          : `the first part of the text is posted (${posted.join(", ")}), but Discord does not ` +
            `take the rest: ${reason}`,
      );
    }
    const isSent = results.every(({ kind }) => kind === "sent");
    return {
      channelId: target.channelId,
      guildId: target.guildId,
      messageIds: results.flatMap((result) =>
        result.kind === "sent" && result.messageId ? [result.messageId] : []
      ),
      ...!isSent && { waits: results.map(({ id }) => id) },
    };
  });
}

/** Reads messages that the policy lets a model see (P10), oldest first. */
export const read = (
  call: DiscordCall,
  /** Counted before the policy. Without `channelId`, of the channel of the turn. */
  { channelId, ...range }: HistoryRange & { readonly channelId?: ChannelId },
): Promise<readonly ShownMessage[]> =>
  within(call, channelId, { asker: ["Read Message History"] }, async (target) => {
    const { account: { rest }, message } = call;
    const isHere = target.channelId === message.channelId;
    // Later messages of the turn's own channel belong to other turns.
    const isLate = (id: MessageId) => isHere && compareIds(id, message.id) >= 0;
    const { before } = range;
    const isOpen = !range.after && !range.around;
    const from = before && !isLate(before) ? before : isHere && isOpen ? message.id : before;
    const raw = await readHistory(rest, target.channelId, { ...range, before: from });
    const shown = await showAll(call.account, raw, shownPlace(message, target));
    return shown
      .filter(({ id, from }) => from === "you" || !isLate(id))
      .toSorted((one, other) => compareIds(one.id, other.id));
  });

export const readOne = (
  call: DiscordCall,
  { channelId, messageId }: MessageAt,
): Promise<ShownMessage> =>
  within(call, channelId, { asker: ["Read Message History"] }, async (target) => {
    const { raw } = await readMessage(call.account.rest, target.channelId, messageId);
    const shown = await show(call.account, raw, shownPlace(call.message, target));
    if (!shown) throw new RefusedCall("policy", "you may not read that message");
    return shown;
  });

export const addReaction = (
  call: DiscordCall,
  { channelId, messageId }: MessageAt,
  emoji: string,
): Promise<void> =>
  within(
    call,
    channelId,
    { asker: ["Read Message History", "Add Reactions"] },
    async (target, found, caller) => {
      if (found.guild && await isExternal(call.account.rest, found.guild.id, emoji)) {
        await assertMay(caller, found, ["Use External Emojis"]);
      }
      await putReaction(call.account.rest, target.channelId, messageId, emoji, {});
    },
  );

/** Removes a reaction of the bot, or all of its reactions if `emoji` is empty. */
export const removeReaction = (
  call: DiscordCall,
  { channelId, messageId }: MessageAt,
  emoji: string,
): Promise<void> =>
  within(call, channelId, { asker: ["Read Message History"] }, async (target) => {
    const { rest } = call.account;
    const own = emoji === ""
      ? (await readMessage(rest, target.channelId, messageId)).ownReactions
      : [emoji];
    const removed: string[] = [];
    for (const one of own) {
      const remove = () => deleteReaction(rest, target.channelId, messageId, one, {});
      await (removed.length === 0
        ? remove()
        : afterDone(`${removed.join(" ")} is removed`, remove));
      removed.push(one);
    }
  });

export const edit = (
  call: DiscordCall,
  { channelId, messageId }: MessageAt,
  text: string,
): Promise<void> =>
  within(
    call,
    channelId,
    { asker: ["Send Messages"], bot: [] },
    (target, found, caller) => editOwn(call, { target, found, caller, messageId, text }),
  );

/**
 * Opens the thread of a message. A second call finds the same thread.
 *
 * @param archiveAfterMin As in {@link NewPost}; absent: a day.
 */
export const openThread = (
  call: DiscordCall,
  { channelId, messageId }: MessageAt,
  written: string,
  archiveAfterMin: number = ARCHIVE_AFTER_MIN,
): Promise<OpenedThread> =>
  within(
    call,
    channelId,
    { asker: ["Create Public Threads", "Send Messages in Threads"] },
    async (target) => {
      const title = titleFor(call.account, written);
      if (title === "") throw badArguments("the title has no letters");
      const { channelId } = target;
      const { rest } = call.account;
      const thread = await beginThread(rest, channelId, messageId, title, archiveAfterMin);
      return { ...thread, title };
    },
  );

/** Opens a post in a forum. A second call finds the same post. */
export const openPost = (call: DiscordCall, post: NewPost): Promise<OpenedThread> =>
  within(
    call,
    post.channelId,
    { asker: ["Send Messages"], isBotChecked: true },
    (target, found, caller) => openPostIn(call, post, target, found, caller),
  );

export const inChannel = <Result>(
  call: DiscordCall,
  { channelId, needs }: {
    /** Absent: the channel of the turn. */
    readonly channelId?: ChannelId;
    /** Rights of the asker, beside View Channel. */
    readonly needs: readonly Need[];
  },
  act: (place: ChannelPlace) => Promise<Result>,
): Promise<Result> =>
  run(
    call,
    (caller) => channelAt(caller, channelId),
    { asker: needs, isBotChecked: true },
    async (found, caller) => await act(await openChannel(call, caller, found)),
  );

/** Acts on a server on which the asker may do it. */
export const inGuild = <Result>(
  call: DiscordCall,
  { guildId, needs }: {
    /** Absent: the server of the turn. */
    readonly guildId?: GuildId;
    readonly needs: readonly Need[];
  },
  act: (place: OpenedGuild) => Promise<Result>,
): Promise<Result> =>
  run(
    call,
    (caller) => guildAt(caller, guildId),
    { asker: needs, isBotChecked: true },
    async (found, caller) => await act(openGuild(call, caller, found)),
  );

/** Changes the bot's status until it is changed again. Only owners of the bot may. */
export async function setPresence(call: DiscordCall, presence: NewPresence): Promise<void> {
  if (!callerOf(call).askers.every(({ isOwner }) => isOwner)) {
    throw new RefusedCall("owners_only", "only an owner of the bot may change its status");
  }
  if (call.isProbe) throw new ProbeEnded();
  const { account } = call;
  const { activity } = presence;
  await changePresence(account, {
    ...presence,
    ...(activity && { activity: { ...activity, name: cleanText(account, activity.name) } }),
  });
}

/**
 * Takes back an action of the asker, or as an owner of anyone, in the turn's server.
 *
 * @param id Number of the action; absent: the newest.
 * @throws {Error} If there is none, or it is too late, or the asker lacks the right.
 */
export async function undoOne(call: DiscordCall, id?: number): Promise<UndoneAction> {
  if (call.isProbe) throw new ProbeEnded();
  return await inOrder(call, () => undo(callerOf(call), call.callKey, id));
}

/**
 * The direct channel of a person: the asker's own, or for owners that of anyone.
 *
 * @throws {RefusedCall} If another person asks for it.
 */
async function directOf(
  { account: { rest }, isProbe }: DiscordCall,
  { askers }: Caller,
  userId: UserId,
): Promise<FoundTarget> {
  if (!askers.every((asker) => asker.isOwner || asker.userId === userId)) {
    throw new RefusedCall(
      "owners_only",
      "only an owner of the bot may have it write to other people directly",
    );
  }
  const readerId = userId;
  if (isProbe) return { readerId, channel: () => Promise.reject(new ProbeEnded()) };
  const channelId = await openDirect(rest, userId).catch((error: unknown) => {
    throw inWords(error);
  });
  return { channelId, readerId, channel: () => readChannel(rest, channelId) };
}

interface NeededRights {
  readonly asker: readonly Need[];
  /** Default: those of the asker. */
  readonly bot?: readonly Need[];
  /** Whether to check the bot before the request, and not only after a refusal. */
  readonly isBotChecked?: boolean;
}

const emojisSchema = z.lazy(() => listed(z.object({ id: snowflakeSchema().nullish() })));

/**
 * Whether a reaction's emoji is of another server than this one.
 *
 * @param emoji Unicode, or `<:name:id>`.
 * @throws {RestError} If Discord does not answer, or refuses.
 */
async function isExternal(client: RestApi, guildId: GuildId, emoji: string): Promise<boolean> {
  const id = /^<a?:\w+:(\d+)>$/.exec(emoji)?.[1];
  if (id === undefined) return false;
  const answer = await client.request("GET", `/guilds/${guildId}/emojis`);
  const own = expect("GET /guilds/:id/emojis", emojisSchema, answer);
  return own.every((one) => one.id !== id);
}
