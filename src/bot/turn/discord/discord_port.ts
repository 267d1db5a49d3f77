/**
 * Acts on Discord for tools: with the rights of the asker, within the server of the turn (T3 to T5).
 *
 * Texts are rows of the outbox, keyed by the call. So a crash neither loses nor doubles them, and
 * they keep their order with the answer (D1). All other actions do no harm if a crash repeats them.
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
import type { Frozen, PostOutcome } from "../../../core/outbound/outbound.ts";
import type { DiscordCall, DiscordPort } from "../../../core/turn/ports/discord.ts";
import { createReadHistory } from "../../../discord/rest/calls/history.ts";
import { createMessages } from "../../../discord/rest/calls/messages.ts";
import { createSingleReads } from "../../../discord/rest/calls/single_message.ts";
import { createThreadCalls } from "../../../discord/rest/calls/threads.ts";
import { createReactions } from "../../../discord/rest/calls/typing_and_reactions.ts";
import type { Reader } from "../../../discord/gateway/read/reader.ts";
import type { RestApi } from "../../../discord/rest/client/client.ts";
import { explainCode, type NeededPermission } from "../../../discord/rest/permissions/denial.ts";
import { createExplainDenial } from "../../../discord/rest/permissions/explain_denial.ts";
import { threadTitle } from "../../../render/thread_title.ts";
import { composeToolMessage } from "../../../render/tool_message.ts";
import type { ReplyRules } from "../../../render/reply.ts";
import type { Store } from "../../../store/store.ts";
import type { SentWatch } from "../../outbound/sent_watch.ts";
import { createAssertMayQuote } from "./age_limit.ts";
import { type ClosedToAskerOptions, createClosedToAsker } from "./closed_to_asker.ts";
import { createInTurn } from "./in_turn.ts";
import { createShow, type ShownPlace, type ShowOptions } from "./reading.ts";
import { createTargets, type ToolTarget } from "./targets.ts";

/** The dependencies of the port. */
export interface DiscordPortOptions extends ShowOptions, ClosedToAskerOptions {
  readonly reader: Pick<Reader, "self" | "index">;
  readonly client: RestApi;
  readonly outbox: Pick<Store["outbox"], "addAll" | "sendResultsOf">;
  /** Waits for deliveries. */
  readonly sent: Pick<SentWatch, "ended">;
  /** Messages of a channel wait to be sent. */
  readonly onOutbox: (channelId: ChannelId) => void;
  /** Id of the agent. */
  readonly agentId: () => string;
  /** Rules for texts in a place. */
  readonly rulesIn: (target: ToolTarget) => ReplyRules;
  readonly cleanSecrets: (text: string) => string;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** Minutes without a message after which Discord archives a thread. */
const ARCHIVE_AFTER_MIN = 1_440;

/** Creates the port. */
export function createDiscordPort(options: DiscordPortOptions): DiscordPort {
  const { client, outbox, sent, onOutbox, agentId, rulesIn, cleanSecrets, isOwner, now } = options;
  const { reader } = options;
  const self = () => reader.self?.userId;
  const reads = createSingleReads(client);
  const messages = createMessages(client);
  const reactions = createReactions(client, {});
  const threads = createThreadCalls(client);
  const history = createReadHistory(client);
  const show = createShow(options);
  const explainDenial = createExplainDenial(client, now);
  const closedBy = createClosedToAsker(options);
  const targets = createTargets({ reads, explainDenial, isOwner, self, closedBy });
  const assertMayQuote = createAssertMayQuote(reads);
  const inTurn = createInTurn();

  /** Runs a request in a channel that the asker may use; a refusal becomes words for the model. */
  async function within<Result>(
    { message, sessionKey }: DiscordCall,
    channelId: ChannelId | undefined,
    { asker, bot = asker }: {
      readonly asker: readonly NeededPermission[];
      readonly bot?: readonly NeededPermission[];
    },
    act: (target: ToolTarget) => Promise<Result>,
  ): Promise<Result> {
    return await inTurn(sessionKey, async () => {
      const target = await targets.find(message, channelId, asker);
      try {
        return await act(target);
      } catch (error) {
        throw await targets.refusal(error, target, bot);
      }
    });
  }

  function composed(
    { message, callKey }: DiscordCall,
    text: string,
    target: ToolTarget,
    replyTo?: MessageId,
  ) {
    const frozen = composeToolMessage({
      message,
      agentId: agentId(),
      callKey: `${callKey}:${target.channelId}`,
      ...target,
      text,
      ...(replyTo !== undefined && { replyTo }),
    }, rulesIn(target));
    if (!frozen) throw new Error("`text` has nothing to show");
    return frozen;
  }

  /** Adds the rows, and waits for Discord. A repeated call finds the rows of the first one. */
  async function deliver(frozen: readonly Frozen[], signal: AbortSignal) {
    const ended = sent.ended(frozen.map(({ message: { nonce } }) => nonce), signal);
    const rows = await outbox.addAll(frozen, now());
    for (const { message: { channelId } } of frozen.slice(0, 1)) onOutbox(channelId);
    if (!rows.every(({ state }) => state === "sent")) await ended;
    return await outbox.sendResultsOf(rows.map(({ id }) => id));
  }

  const shownPlace = (
    { place, channelId: here }: InboundMessage,
    { channelId, ...target }: ToolTarget,
  ): ShownPlace => ({
    ...target,
    isGroup: place.kind === "group_dm",
    isElsewhere: channelId !== here,
  });

  return {
    send: (call, { channelId, text, replyTo }) =>
      within(call, channelId, { asker: ["Send Messages"] }, async (target) => {
        await targets.assertBotMay(target, ["Send Messages"]);
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
        return raw.flatMap((one) => show(one, shownPlace(message, target)) ?? [])
          .filter(({ id, from }) => from === "you" || !isLate(id))
          .toSorted((one, other) => compareIds(one.id, other.id));
      }),
    readOne: (call, { channelId, messageId }) =>
      within(call, channelId, { asker: ["Read Message History"] }, async (target) => {
        await assertMayQuote(call.message, target.channelId);
        const { raw } = await reads.message(target.channelId, messageId);
        const shown = show(raw, shownPlace(call.message, target));
        if (!shown) throw new Error("you may not read that message");
        return shown;
      }),
    addReaction: (call, { channelId, messageId }, emoji) =>
      within(
        call,
        channelId,
        { asker: ["Read Message History", "Add Reactions"] },
        (target) => reactions.add(target.channelId, messageId, emoji),
      ),
    removeReaction: (call, { channelId, messageId }, emoji) =>
      within(call, channelId, { asker: ["Read Message History"] }, async (target) => {
        const own = emoji === ""
          ? (await reads.message(target.channelId, messageId)).ownReactions
          : [emoji];
        for (const one of own) await reactions.remove(target.channelId, messageId, one);
      }),
    edit: (call, { channelId, messageId }, text) =>
      within(call, channelId, { asker: ["Send Messages"], bot: [] }, async (target) => {
        const { authorId } = await reads.message(target.channelId, messageId);
        if (authorId !== self()) throw new Error("you can edit only your own messages");
        const [first, ...others] = composed(call, text, target);
        if (!first || others.length > 0 || first.files.length > 0) {
          throw new Error("`text` is longer than one message");
        }
        assertDone(await messages.edit(messageId, first.message, []));
      }),
    remove: (call, { channelId, messageId }) =>
      within(call, channelId, { asker: [], bot: ["Manage Messages"] }, async (target) => {
        const { authorId } = await reads.message(target.channelId, messageId);
        const isOwn = authorId === self();
        if (!isOwn && target.guildId === undefined) {
          throw new Error("in direct messages, the bot can delete only its own messages");
        }
        const needed = isOwn ? "Send Messages" : "Manage Messages";
        await targets.assertMay(call.message, target, [needed]);
        const outcome = await messages.delete(target.channelId, messageId);
        if (outcome.kind !== "already_gone") assertDone(outcome);
      }),
    openThread: (call, { channelId, messageId }, written) =>
      within(
        call,
        channelId,
        { asker: ["Create Public Threads", "Send Messages in Threads"] },
        async (target) => {
          const title = cleanSecrets(threadTitle(written));
          if (title === "") throw new Error("the title has no letters");
          const how = await threads.start(target.channelId, messageId, title, ARCHIVE_AFTER_MIN);
          const threadId = parseSnowflake<"channel">(messageId);
          if (!threadId) throw new Error("Discord gave the thread no id");
          return { threadId, title, existed: how === "existed" };
        },
      ),
  };
}

/** @throws {Error} If Discord has not carried the request out. */
function assertDone(outcome: PostOutcome): void {
  if (outcome.kind === "created") return;
  if (outcome.kind === "already_gone") throw new Error("there is no such message in that channel");
  const code = outcome.kind === "refused" ? outcome.code : undefined;
  throw new Error((code === undefined ? undefined : explainCode(code)) ?? outcome.reason);
}
