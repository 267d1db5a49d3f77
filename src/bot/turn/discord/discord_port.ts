/**
 * Acts on Discord for tools: with the rights of the asker, within the server of the turn (T3 to T5).
 *
 * Each action finds its place, checks the rights of the people who ask and of the bot there, and then
 * acts. A refusal of Discord becomes words for the model.
 *
 * @module
 */

import {
  type ChannelId,
  compareIds,
  type MessageId,
  parseSnowflake,
} from "../../../core/discord/ids.ts";
import type { InboundMessage } from "../../../core/inbound/inbound.ts";
import type { Need } from "../../../core/rights/rights.ts";
import type { DiscordCall, DiscordPort } from "../../../core/turn/ports/discord.ts";
import type { SetPresence } from "../../../core/turn/ports/discord_place.ts";
import type { Reader } from "../../../discord/gateway/read/reader.ts";
import { createReadHistory } from "../../../discord/rest/calls/history.ts";
import { createSingleReads } from "../../../discord/rest/calls/single_message.ts";
import { createThreadCalls } from "../../../discord/rest/calls/threads.ts";
import { createReactions } from "../../../discord/rest/calls/typing_and_reactions.ts";
import type { RestApi } from "../../../discord/rest/client/client.ts";
import { isExternal } from "./external_emoji.ts";
import { threadTitle } from "../../../render/name.ts";
import { createAssertMayQuote } from "./age_limit.ts";
import { type ClosedToAskerOptions, createClosedToAsker } from "./targets/closed_to_asker.ts";
import { createEscalation, type EscalationOptions, ProbeEnded } from "./asking/escalation.ts";
import { createOpenPost } from "./forum_posts.ts";
import { createKeyedQueue } from "../../../lib/keyed_queue.ts";
import { createLimit, type LimitOptions } from "./asking/limit.ts";
import { createOutgoing, type OutgoingOptions } from "./outgoing.ts";
import { createEdit, createIsAnswerTo, type IsAnswerToOptions } from "./own_messages.ts";
import { createPlaces, type PlaceOptions } from "./place.ts";
import { createShow, showAll, type ShownPlace, type ShowOptions } from "./reading.ts";
import {
  createTargets,
  type Found,
  type Origin,
  type Targets,
  type TargetsOptions,
  type ToolTarget,
} from "./targets/targets.ts";
import { createUndo, type Undo } from "./undo/undo.ts";
import { badArguments, RefusedCall } from "../../../core/refused_call.ts";
import type { Store } from "../../../core/store/store.ts";

/** The dependencies of the port. */
export interface DiscordPortOptions
  extends
    ShowOptions,
    OutgoingOptions,
    ClosedToAskerOptions,
    IsAnswerToOptions,
    EscalationOptions,
    LimitOptions,
    Pick<TargetsOptions, "alsoGuilds">,
    Pick<PlaceOptions, "cleanSecrets" | "media" | "schedule"> {
  /** The account's own user and its guilds, as the gateway told them. */
  readonly reader: Pick<Reader, "self" | "index">;
  /** Sends requests to Discord. */
  readonly client: RestApi;
  /** Changes by the tool `discord`, with the way to take each back. */
  readonly changes: Store["changes"];
  /** Sets the bot's status on all its gateway connections. */
  readonly setPresence: (presence: Parameters<SetPresence>[1]) => Promise<void>;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** Minutes without a message after which Discord archives a thread. */
const ARCHIVE_AFTER_MIN = 1_440;

/** The port, with its parts for slash commands. */
export interface AccountDiscord {
  /** The port of the tool. */
  readonly port: DiscordPort;
  /** Takes changes back, for commands and buttons too. */
  readonly undo: Undo;
  /** Finds the message that caused a call, and its askers. */
  readonly originOf: Targets["originOf"];
}

/** Creates the port. The function is long because it is a list: one action after the other. */
export function createDiscordPort(options: DiscordPortOptions): AccountDiscord {
  const { client, reader, cleanSecrets, setPresence } = options;
  const self = () => reader.self?.userId;
  const reads = createSingleReads(client);
  const reactions = createReactions(client, {});
  const threads = createThreadCalls(client);
  const history = createReadHistory(client);
  const show = createShow(options);
  const targets = createTargets({ ...options, self, closedBy: createClosedToAsker(options) });
  const assertMayQuote = createAssertMayQuote(reads);
  const isAnswerTo = createIsAnswerTo(options);
  const places = createPlaces({ ...options, targets, show, self, assertMayQuote, isAnswerTo });
  const undo = createUndo({ ...options, targets });
  const { run: inTurn } = createKeyedQueue<string>(); // messages must not overtake each other

  /** Runs a request in a place; a refusal becomes words for the model. */
  async function run<Result>(
    call: DiscordCall,
    find: (origin: Origin) => Promise<Found>,
    { asker, bot = asker, isBotChecked = false }: Rights,
    act: (found: Found, origin: Origin) => Promise<Result>,
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
    rights: Rights,
    act: (target: ToolTarget, found: Found, origin: Origin) => Promise<Result>,
  ): Promise<Result> =>
    run(
      call,
      (origin) => targets.channel(origin, channelId),
      rights,
      (found, origin) => {
        if (call.isProbe) throw new ProbeEnded(); // its rights are checked
        const guildId = found.guild?.id;
        const target = {
          channelId: found.channelId ?? origin.channelId,
          ...(guildId !== undefined && { guildId }),
        };
        return act(target, found, origin);
      },
    );

  const { composed, deliver } = createOutgoing(options);
  const edit = createEdit({ client, reads, targets, self, isAnswerTo, composed });
  const openPost = createOpenPost({ client, composed, deliver, self, cleanSecrets });
  const shownPlace = (
    { place, channelId: here }: InboundMessage,
    { channelId, ...target }: ToolTarget,
  ): ShownPlace => ({
    ...target,
    isGroup: place.kind === "group_dm",
    isElsewhere: channelId !== here,
  });

  const port: DiscordPort = {
    send: (call, { channelId, text, replyTo }) =>
      within(call, channelId, { asker: ["Send Messages"] }, async (target, found, origin) => {
        await targets.assertBotMay(origin, found, ["Send Messages"]);
        const results = await deliver(composed(call, text, target, replyTo), call.signal);
        const failed = results.find(({ kind }) => kind === "failed");
        if (failed?.kind === "failed") {
          throw new Error(
            `Discord does not take the message: ${failed.reason ?? "no reason given"}`,
          );
        }
        const isSent = results.every(({ kind }) => kind === "sent");
        return {
          channelId: target.channelId,
          messageIds: results.flatMap((result) =>
            result.kind === "sent" && result.messageId ? [result.messageId] : []
          ),
          state: isSent ? "sent" as const : "waits" as const,
        };
      }),
    read: (call, { channelId, limit, before, after }) =>
      within(call, channelId, { asker: ["Read Message History"] }, async (target) => {
        const { message } = call;
        await assertMayQuote(message, target.channelId);
        const isHere = target.channelId === message.channelId;
        // Later messages of the turn's own channel belong to other turns.
        const isLate = (id: MessageId) => isHere && compareIds(id, message.id) >= 0;
        const from = before && !isLate(before) ? before : isHere && !after ? message.id : before;
        const raw = await history(target.channelId, {
          limit,
          ...(from !== undefined && { before: from }),
          ...(after !== undefined && { after }),
        });
        const shown = await showAll(show, raw, shownPlace(message, target));
        return shown
          .filter(({ id, from }) => from === "you" || !isLate(id))
          .toSorted((one, other) => compareIds(one.id, other.id));
      }),
    readOne: (call, { channelId, messageId }) =>
      within(call, channelId, { asker: ["Read Message History"] }, async (target) => {
        await assertMayQuote(call.message, target.channelId);
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
        for (const one of own) await reactions.remove(target.channelId, messageId, one);
      }),
    edit: (call, { channelId, messageId }, text) =>
      within(
        call,
        channelId,
        { asker: ["Send Messages"], bot: [] },
        (target, found, origin) => edit(call, { target, found, origin, messageId, text }),
      ),
    openThread: (call, { channelId, messageId }, written) =>
      within(
        call,
        channelId,
        { asker: ["Create Public Threads", "Send Messages in Threads"] },
        async (target) => {
          const title = cleanSecrets(threadTitle(written));
          if (title === "") throw badArguments("the title has no letters");
          const how = await threads.start(target.channelId, messageId, title, ARCHIVE_AFTER_MIN);
          const threadId = parseSnowflake<"channel">(messageId);
          if (!threadId) throw new Error("Discord gave the thread no id");
          return { threadId, title, existed: how === "existed" };
        },
      ),
    openPost: (call, post) =>
      within(
        call,
        post.channelId,
        { asker: ["Send Messages"], isBotChecked: true },
        (target, found, origin) => openPost(call, post, target, found, origin, targets),
      ),
    inChannel: (call, { channelId, needs, isQuoted = false }, act) =>
      run(
        call,
        (origin) => targets.channel(origin, channelId),
        { asker: needs, isBotChecked: true },
        async (found, origin) => {
          if (isQuoted && found.channelId) await assertMayQuote(call.message, found.channelId);
          return await act(await places.channel(call, origin, found));
        },
      ),
    inGuild: (call, { guildId, needs }, act) =>
      run(
        call,
        (origin) => targets.guild(origin, guildId),
        { asker: needs, isBotChecked: true },
        async (found, origin) => await act(places.guild(call, origin, found)),
      ),
    async setPresence(call, presence) {
      if (call.isProbe) throw new ProbeEnded();
      if (!targets.originOf(call).askers.every(({ isOwner }) => isOwner)) {
        throw new RefusedCall("owners_only", "only an owner of the bot may change its status");
      }
      const { activity } = presence;
      await setPresence({
        ...presence,
        ...(activity && { activity: { ...activity, name: cleanSecrets(activity.name) } }),
      });
    },
    escalation: createEscalation(options),
    limit: createLimit(options),
    undo: {
      undo: async (call, id) =>
        call.isProbe
          ? await Promise.reject(new ProbeEnded())
          : await inTurn(call.sessionKey, () => undo(targets.originOf(call), call.callKey, id)),
    },
  };
  return { port, undo, originOf: targets.originOf };
}

/** The rights that a request needs. */
interface Rights {
  readonly asker: readonly Need[];
  /** Default: those of the asker. */
  readonly bot?: readonly Need[];
  /** Whether to check the bot before the request, and not only after a refusal. */
  readonly isBotChecked?: boolean;
}
