/**
 * Acts on Discord for tools: with the rights of the asker, within the server of the turn (T3 to T5).
 *
 * Each action finds its place, checks the rights of the people who ask and of the bot there, and then
 * acts. A refusal of Discord becomes words for the model.
 */

import { z } from "zod";
import {
  type ChannelId,
  compareIds,
  type GuildId,
  type MessageId,
  type UserId,
} from "../../../core/discord/ids.ts";
import { listed } from "../../../core/discord/lenient.ts";
import { snowflakeSchema } from "../../../core/discord/snowflake_schema.ts";
import type { InboundMessage } from "../../../core/inbound/inbound.ts";
import { afterDone, badArguments, RefusedCall } from "../../../core/refused_call.ts";
import type { Need } from "../../../core/rights/rights.ts";
import { ProbeEnded } from "../../../core/turn/decided_action.ts";
import type { DiscordCall, DiscordPort } from "../../../core/turn/ports/discord.ts";
import {
  showAll,
  type ShownPlace,
  type ToolTarget,
} from "../../../core/turn/ports/discord_call.ts";
import { withoutInvisible } from "../../../lib/text/quoted.ts";
import { createKeyedQueue } from "../../../lib/keyed_queue.ts";
import { readChannel } from "../requests/guild_reads.ts";
import { createReadHistory } from "../requests/history.ts";
import { createSingleReads } from "../requests/single_message.ts";
import { createThreadRequests } from "../requests/channel.ts";
import { createReactions } from "../requests/typing_and_reactions.ts";
import type { RestApi } from "../client/client.ts";
import { expect } from "../exchange/rest_error.ts";
import { createOpenPost } from "./forum_posts.ts";
import { inWords } from "./in_words.ts";
import type { ActionsOptions, FoundTarget, Origin } from "./options.ts";
import { createEdit } from "./own_messages.ts";
import { createPlaces } from "./place.ts";
import { createTargets } from "./targets.ts";
import { createUndo } from "./undo.ts";

/** Minutes without a message after which Discord archives a thread. */
const ARCHIVE_AFTER_MIN = 1_440;

export function createActions(given: ActionsOptions): DiscordPort {
  const cleanSecrets = (text: string) => given.cleanSecrets(withoutInvisible(text));
  const options = { ...given, cleanSecrets };
  const { client, titleOf, show, composed, deliver } = options;
  const reads = createSingleReads(client);
  const reactions = createReactions(client, {});
  const threads = createThreadRequests(client);
  const history = createReadHistory(client);
  const targets = createTargets(options);
  const parts = { ...options, targets };
  const places = createPlaces(parts);
  const undo = createUndo(parts);
  const edit = createEdit(parts);
  const openPost = createOpenPost(parts);
  const { run: inTurn } = createKeyedQueue<string>(); // messages must not overtake each other

  /** Runs a request in a place; a refusal becomes words for the model. */
  async function run<Result>(
    call: DiscordCall,
    find: (origin: Origin) => Promise<FoundTarget>,
    { asker, bot = asker, isBotChecked = false }: NeededRights,
    act: (found: FoundTarget, origin: Origin) => Promise<Result>,
  ): Promise<Result> {
    return await inTurn(call.sessionKey, async () => {
      const origin = targets.originOf(call);
      const found = await find(origin);
      await targets.assertMay(origin, found, asker);
      if (isBotChecked && bot.length > 0) await targets.assertBotMay(origin, found, bot);
      try {
        return await act(found, origin);
      } catch (error) {
        throw await targets.refusal(error, origin, found, bot);
      }
    });
  }

  /** Runs a request in a channel that the asker may use. */
  const within = <Result>(
    call: DiscordCall,
    channelId: ChannelId | undefined,
    rights: NeededRights,
    act: (target: ToolTarget, found: FoundTarget, origin: Origin) => Promise<Result>,
  ): Promise<Result> => acting(call, (origin) => targets.channel(origin, channelId), rights, act);

  /** The same, in a channel that is found otherwise. */
  const acting = <Result>(
    call: DiscordCall,
    find: (origin: Origin) => Promise<FoundTarget>,
    rights: NeededRights,
    act: (target: ToolTarget, found: FoundTarget, origin: Origin) => Promise<Result>,
  ): Promise<Result> =>
    run(
      call,
      find,
      rights,
      (found, origin) => {
        if (call.isProbe) throw new ProbeEnded(); // its rights are checked
        const guildId = found.guild?.id;
        const { channelId = origin.channelId, parentId } = found;
        const target = { channelId, guildId, parentId };
        return act(target, found, origin);
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

  return {
    send: (call, { channelId, userId, text, replyTo, media, embed }) => {
      const needs: Need[] = ["Send Messages"];
      if (media !== undefined) needs.push("Attach Files");
      if (embed) needs.push("Embed Links");
      const find = (origin: Origin) =>
        userId === undefined
          ? targets.channel(origin, channelId)
          : directOf(call, origin, userId, options);
      return acting(call, find, { asker: needs }, async (target, found, origin) => {
        await targets.assertBotMay(origin, found, needs);
        const files = media === undefined
          ? []
          : [await options.fileFor(call, { from: media }, target)];
        const post = { text, replyTo, files, embed };
        const results = await deliver(composed(call, target, post), call.signal);
        const failed = results.find(({ kind }) => kind === "failed");
        if (failed?.kind === "failed") {
          const reason = failed.reason ?? "no reason given";
          const posted = results.flatMap((one) => one.kind === "sent" ? one.messageId ?? [] : []);
          throw new Error(
            posted.length === 0
              ? `Discord does not take the message: ${reason}`
              : `the first part of the text is posted (${
                posted.join(", ")
              }), but Discord does not ` +
                `take the rest: ${reason}`,
          );
        }
        const isSent = results.every(({ kind }) => kind === "sent");
        return {
          ...{ channelId: target.channelId, guildId: target.guildId },
          messageIds: results.flatMap((result) =>
            result.kind === "sent" && result.messageId ? [result.messageId] : []
          ),
          state: isSent ? "sent" as const : "waits" as const,
        };
      });
    },
    read: (call, { channelId, limit, before, after, around }) =>
      within(call, channelId, { asker: ["Read Message History"] }, async (target) => {
        const { message } = call;
        const isHere = target.channelId === message.channelId;
        // Later messages of the turn's own channel belong to other turns.
        const isLate = (id: MessageId) => isHere && compareIds(id, message.id) >= 0;
        const isOpen = !after && !around;
        const from = before && !isLate(before) ? before : isHere && isOpen ? message.id : before;
        const raw = await history(target.channelId, { limit, before: from, after, around });
        const shown = await showAll(show, raw, shownPlace(message, target));
        return shown
          .filter(({ id, from }) => from === "you" || !isLate(id))
          .toSorted((one, other) => compareIds(one.id, other.id));
      }),
    readOne: (call, { channelId, messageId }) =>
      within(call, channelId, { asker: ["Read Message History"] }, async (target) => {
        const { raw } = await reads.message(target.channelId, messageId);
        const shown = await show(raw, shownPlace(call.message, target));
        if (!shown) throw new RefusedCall("policy", "you may not read that message");
        return shown;
      }),
    addReaction: (call, { channelId, messageId }, emoji) =>
      within(
        call,
        channelId,
        { asker: ["Read Message History", "Add Reactions"] },
        async (target, found, origin) => {
          if (found.guild && await isExternal(client, found.guild.id, emoji)) {
            await targets.assertMay(origin, found, ["Use External Emojis"]);
          }
          await reactions.add(target.channelId, messageId, emoji);
        },
      ),
    removeReaction: (call, { channelId, messageId }, emoji) =>
      within(call, channelId, { asker: ["Read Message History"] }, async (target) => {
        const own = emoji === ""
          ? (await reads.message(target.channelId, messageId)).ownReactions
          : [emoji];
        const removed: string[] = [];
        for (const one of own) {
          const remove = () => reactions.remove(target.channelId, messageId, one);
          await (removed.length === 0
            ? remove()
            : afterDone(`${removed.join(" ")} is removed`, remove));
          removed.push(one);
        }
      }),
    edit: (call, { channelId, messageId }, text) =>
      within(
        call,
        channelId,
        { asker: ["Send Messages"], bot: [] },
        (target, found, origin) => edit(call, { target, found, origin, messageId, text }),
      ),
    openThread: (call, { channelId, messageId }, written, archiveAfterMin = ARCHIVE_AFTER_MIN) =>
      within(
        call,
        channelId,
        { asker: ["Create Public Threads", "Send Messages in Threads"] },
        async (target) => {
          const title = titleOf(written);
          if (title === "") throw badArguments("the title has no letters");
          const { channelId } = target;
          const thread = await threads.start(channelId, messageId, title, archiveAfterMin);
          return { ...thread, title };
        },
      ),
    openPost: (call, post) =>
      within(
        call,
        post.channelId,
        { asker: ["Send Messages"], isBotChecked: true },
        (target, found, origin) => openPost(call, post, target, found, origin),
      ),
    inChannel: (call, { channelId, needs }, act) =>
      run(
        call,
        (origin) => targets.channel(origin, channelId),
        { asker: needs, isBotChecked: true },
        async (found, origin) => await act(await places.channel(call, origin, found)),
      ),
    inGuild: (call, { guildId, needs }, act) =>
      run(
        call,
        (origin) => targets.guild(origin, guildId),
        { asker: needs, isBotChecked: true },
        async (found, origin) => await act(places.guild(call, origin, found)),
      ),
    async setPresence(call, presence) {
      if (!targets.originOf(call).askers.every(({ isOwner }) => isOwner)) {
        throw new RefusedCall("owners_only", "only an owner of the bot may change its status");
      }
      if (call.isProbe) throw new ProbeEnded();
      const { activity } = presence;
      await options.setPresence({
        ...presence,
        ...(activity && { activity: { ...activity, name: cleanSecrets(activity.name) } }),
      });
    },
    isSeenByOthers: targets.isSeenByOthers,
    readers: options.readers,
    limit: options.limit,
    undo: {
      undo: async (call, id) =>
        call.isProbe
          ? await Promise.reject(new ProbeEnded())
          : await inTurn(call.sessionKey, () => undo(targets.originOf(call), call.callKey, id)),
    },
  };
}

/**
 * The direct channel of a person: the asker's own, or for owners that of anyone.
 *
 * @throws {RefusedCall} If another person asks for it.
 */
async function directOf(
  { isProbe }: DiscordCall,
  { askers }: Origin,
  userId: UserId,
  { client, openDirect }: ActionsOptions,
): Promise<FoundTarget> {
  if (!askers.every((asker) => asker.isOwner || asker.userId === userId)) {
    throw new RefusedCall(
      "owners_only",
      "only an owner of the bot may have it write to other people directly",
    );
  }
  const readerId = userId;
  if (isProbe) return { readerId, channel: () => Promise.reject(new ProbeEnded()) };
  const channelId = await openDirect(userId).catch((error: unknown) => {
    throw inWords(error);
  });
  return { channelId, readerId, channel: () => readChannel(client, channelId) };
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
