/**
 * Shows people a turn's progress: the typing indicator, the acknowledging reaction, and either the
 * growing draft of the answer or a line about the turn's steps.
 *
 * Both signs are a courtesy while a person waits (R7). Nothing waits for them, and their failure fails
 * nothing. A restart forgets the reactions, which then stay.
 */

import type { BotAccount } from "../../../account/account.ts";
import { perAccount } from "../../../account/per_account.ts";
import { reactionEmoji } from "../../../core/inbound/events.ts";
import type { ChannelId, MessageId } from "../../../core/discord/ids.ts";
import type { InboundMessage } from "../../../core/inbound/inbound.ts";
import type { AcceptReason } from "../../../core/inbound/verdict.ts";
import type { Delivery } from "../../../core/outbound/delivery.ts";
import type { OutboundKind, OutboxRow } from "../../../core/outbound/outbound.ts";
import type { Config } from "../../../config/config.ts";
import { refusalIn, RestError } from "../../../discord/rest/exchange/rest_error.ts";
import {
  deleteReaction,
  putReaction,
  sendTyping,
} from "../../../discord/rest/requests/messages.ts";
import { draftsOf } from "./drafts.ts";
import { linesOf } from "./progress_lines.ts";

/** A message of the outbox has its final result. */
export function progressDelivered(
  account: BotAccount,
  { message: { of, nonce } }: OutboxRow,
  end: Delivery,
): void {
  if (!of || (end.kind !== "created" && end.kind !== "found")) return;
  if (of.kind === "draft") {
    draftsOf(account).posted(nonce, end.messageId);
    linesOf(account).posted(nonce, end.messageId);
  }
  if (of.kind !== "tool") ackAnswered(account, of.cause, of.kind);
}

interface Signs {
  readonly typing: Map<ChannelId, ShownTyping>;
  readonly acks: Map<MessageId, Ack>;
  /** Unix times in milliseconds until which channels are paused, by the sign that they refused. */
  readonly paused: {
    readonly typing: Map<ChannelId, number>;
    readonly acks: Map<ChannelId, number>;
  };
  /** An emoji that Discord does not know: it would be refused everywhere. */
  unknownEmoji?: string;
}

const signsOf = perAccount("turns", (): Signs => ({
  typing: new Map(),
  acks: new Map(),
  paused: { typing: new Map(), acks: new Map() },
}));

/** Milliseconds for which a channel is paused: people change permissions by hand. */
const PAUSE_MS = 10 * 60_000;

function isPaused(
  { now }: BotAccount,
  until: Map<ChannelId, number>,
  channelId: ChannelId,
): boolean {
  const end = until.get(channelId);
  if (end === undefined) return false;
  if (now() < end) return true;
  until.delete(channelId);
  return false;
}

/** Milliseconds before the first request. A faster answer needs no indicator. */
const TYPING_PATIENCE_MS = 300;

/** Milliseconds between two requests, less than Discord's ten seconds. */
const RENEW_MS = 8_000;

interface ShownTyping {
  turns: number;
  cancel: () => void;
}

/**
 * Starts the typing indicator in a channel, for one turn.
 *
 * @returns A function that ends it. Calling it twice does no harm.
 */
export function beginTyping(account: BotAccount, channelId: ChannelId): () => void {
  const { typing: shown } = signsOf(account);
  const typing: ShownTyping = shown.get(channelId) ?? { turns: 0, cancel: () => {} };
  if (typing.turns === 0) {
    shown.set(channelId, typing);
    typing.cancel = account.schedule(
      () => showTyping(account, channelId, typing),
      TYPING_PATIENCE_MS,
    );
  }
  typing.turns += 1;

  let isOver = false;
  return () => {
    if (isOver) return;
    isOver = true;
    typing.turns -= 1;
    if (typing.turns > 0) return;
    typing.cancel();
    shown.delete(channelId);
  };
}

function showTyping(account: BotAccount, channelId: ChannelId, typing: ShownTyping): void {
  const { rest, schedule, now, log } = account;
  const { paused } = signsOf(account);
  typing.cancel = schedule(() => showTyping(account, channelId, typing), RENEW_MS);
  if (isPaused(account, paused.typing, channelId)) return;
  sendTyping(rest, channelId).catch((error: unknown) => {
    if (refusalIn(error) === "forbidden") paused.typing.set(channelId, now() + PAUSE_MS);
    log.debug("Typing is not shown", { channelId, error });
  });
}

/** Milliseconds before the reaction. A faster answer needs none. */
const ACK_PATIENCE_MS = 250;

/** Maximum number of reactions to remember for removal; beyond it, the oldest stay at Discord. */
const MAX_PUT = 1_000;

/** A message that will get its reaction, or has it. */
interface Ack {
  readonly channelId: ChannelId;
  readonly emoji: string;
  /** Whether it goes once Discord has the answer. */
  readonly goes: boolean;
  /** Cancels the reaction before its request. */
  readonly cancel: () => void;
  /** Set from the request on: whether Discord has added it. */
  put?: Promise<boolean>;
}

/** The bot will answer a message, for that reason: it may get a reaction, if no answer comes first. */
export function ackAccepted(account: BotAccount, message: InboundMessage, why: AcceptReason): void {
  const { id, channelId } = message;
  const { ackReaction, ackReactionScope: scope, removeAckAfterReply } = account.config().messages;
  if (ackReaction === undefined || scope === "off") return;
  const { acks } = signsOf(account);
  if (acks.has(id) || !isIn(scope, message, why)) return;
  const emoji = reactionEmoji(ackReaction);
  const cancel = account.schedule(() => putAck(account, id, ack), ACK_PATIENCE_MS);
  const ack: Ack = { channelId, emoji, goes: removeAckAfterReply, cancel };
  acks.set(id, ack);
}

/**
 * Discord has an answer to a message, or the draft of one. After a failed turn the reaction stays: the
 * message was read. `notice`: it has lost its turn, so it needs no sign. `word`: its sender reads that
 * its answer is lost, or waits.
 */
export function ackAnswered(account: BotAccount, cause: MessageId, kind: OutboundKind): void {
  const { acks } = signsOf(account);
  const ack = acks.get(cause);
  if (!ack) return;
  ack.cancel();
  if (ack.put && kind !== "reply" && kind !== "word") return;
  acks.delete(cause);
  if (ack.put) void removeAck(account, cause, ack);
}

function putAck(account: BotAccount, messageId: MessageId, ack: Ack): void {
  const { rest, log } = account;
  const { channelId, emoji } = ack;
  const { acks, paused, unknownEmoji } = signsOf(account);
  acks.delete(messageId);
  if (unknownEmoji === emoji || isPaused(account, paused.acks, channelId)) return;
  ack.put = putReaction(rest, channelId, messageId, emoji).then(
    () => true,
    (error: unknown) => {
      noteRefusal(account, ack, error);
      log.debug("A message is not marked as read", { channelId, messageId, error });
      return false;
    },
  );
  if (!ack.goes) return;
  acks.set(messageId, ack);
  const [oldest] = acks.keys();
  if (acks.size > MAX_PUT && oldest !== undefined) acks.delete(oldest);
}

/** Discord's codes for an unknown or malformed emoji. */
const NO_EMOJI: ReadonlySet<number | undefined> = new Set([10014, 50035]);

function noteRefusal(account: BotAccount, { channelId, emoji }: Ack, error: unknown): void {
  const signs = signsOf(account);
  if (refusalIn(error) === "forbidden") {
    signs.paused.acks.set(channelId, account.now() + PAUSE_MS);
  }
  const isNoEmoji = error instanceof RestError && NO_EMOJI.has(error.code);
  if (signs.unknownEmoji === emoji || !isNoEmoji) return;
  signs.unknownEmoji = emoji;
  account.log.warn("Discord does not accept messages.ackReaction; no message is marked as read", {
    emoji,
    hint: "Use one emoji, or a server's own emoji as <:name:id>.",
  });
}

async function removeAck(
  { rest, log }: BotAccount,
  messageId: MessageId,
  { channelId, emoji, put }: Ack,
): Promise<void> {
  if (!await put) return;
  try {
    await deleteReaction(rest, channelId, messageId, emoji);
  } catch (error) {
    log.debug("A message stays marked as read", { channelId, messageId, error });
  }
}

type Scope = Exclude<Config["messages"]["ackReactionScope"], "off">;

function isIn(scope: Scope, { place, mention }: InboundMessage, why: AcceptReason): boolean {
  const isGroup = place.kind !== "dm";
  switch (scope) {
    case "all":
      return true;
    case "direct":
      return !isGroup;
    case "group-all":
      return isGroup;
    case "group-mentions": // whether or not the place requires one: who mentions the bot waits for it
      return isGroup && (why === "mentioned" || mention !== undefined);
  }
}
