/**
 * Shows people a turn's progress: the typing indicator, the acknowledging reaction (R7), and either
 * the growing draft of the answer (R8) or a silent line about the turn's steps (R8a), which the
 * turn's end deletes.
 *
 * Nothing waits for them, and their failure fails nothing. Reactions stay if the process ends.
 * Drafts and lines are posted through the outbox, so that a crash leaves none that the store does
 * not know; their edits may be lost, as the end of the turn puts the final text in the place of a
 * draft.
 *
 * It costs one request at a time, and only if rate limits leave room.
 */

import type { BotAccount } from "../../account/account.ts";
import { cleanSecrets, perAccount, secretTail, wakeChannels } from "../../account/per_account.ts";
import type { NextStep } from "../../core/step.ts";
import type { Config } from "../../config/config.ts";
import { type ChannelId, type MessageId, parseSnowflake } from "../../core/discord/ids.ts";
import { reactionEmoji } from "../../core/inbound/inbound.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { AcceptReason } from "../../core/inbound/inbox.ts";
import type { Delivery } from "../../core/outbound/outbound.ts";
import {
  type DraftMessage,
  type Frozen,
  nextDraftStep,
  type OutboundKind,
  type OutboxRow,
  progressLine,
  type ProgressPlace,
  type ShownDraft,
  toDrafts,
} from "../../core/outbound/outbound.ts";
import { refusalIn, RestError } from "../../discord/rest/exchange/exchange.ts";
import {
  deleteReaction,
  editMessage,
  putReaction,
  sendTyping,
} from "../../discord/rest/requests/messages.ts";
import { finishedPart, thinkingIn } from "../../render/markdown/chunk.ts";
import { asideOf, progressText, type Work } from "../../render/tool_message.ts";
import type { OneTurn } from "../turn/steps.ts";

/** Milliseconds before the first draft, or a line. A faster answer has none. */
const FIRST_MS = 1_000;

/** Milliseconds between two requests. Discord accepts five edits in five seconds per channel. */
const EDIT_EVERY_MS = 1_200;

/** What grows in the channels of an account. */
const growing = perAccount("turns", () => ({
  /** Callbacks for the ids of posted messages, by nonce. */
  awaited: new Map<string, (messageId: MessageId) => void>(),
  /** Unix time in milliseconds from which on a channel may get the next request. */
  freeAt: new Map<ChannelId, number>(),
  /**
   * Whether an earlier answer contained thinking without its start mark. Then no text is shown before
   * the mark that ends the thinking.
   */
  thinksAloud: false,
}));

/**
 * Posts a message through the outbox. If its turn ran before, the row is that run's, with its text.
 *
 * @param onId Gets the message's id, once Discord has it.
 * @returns The text of the row; `undefined` if a person has deleted the message.
 */
async function post(
  account: BotAccount,
  message: DraftMessage,
  onId: (messageId: MessageId) => void,
): Promise<string | undefined> {
  growing(account).awaited.set(message.nonce, onId);
  const { now, store: { outbox } } = account;
  const row = await outbox.add({ message, files: [] }, now());
  wakeChannels(account, [message.channelId]);
  if (row.messageId !== undefined) onId(row.messageId);
  else if (row.state === "sent") return undefined;
  return row.message.content;
}

/** Edits it. @returns Whether it has the text, whether no more may follow, and Discord's pause. */
async function edit({ rest }: BotAccount, messageId: MessageId, message: DraftMessage) {
  const outcome = await editMessage(rest, messageId, message, [], "spare");
  const isRefused = outcome.kind === "refused";
  return {
    isDone: outcome.kind === "created",
    isOver: outcome.kind === "already_gone" || // a person has deleted it
      isRefused && outcome.why !== "rate_limited",
    waitMs: isRefused ? outcome.retryAfterMs ?? 0 : 0,
  };
}

/** Whether all of an answer so far may be thinking that is not marked. */
function mayBeThinking(account: BotAccount, text: string): boolean {
  const state = growing(account);
  const thinking = thinkingIn(text);
  if (thinking === "ended") state.thinksAloud = true;
  return thinking === "none" && state.thinksAloud;
}

/** The part of a growing answer that may be shown: without secrets, or the beginning of one. */
export function harmlessPart(account: BotAccount, text: string): string {
  if (mayBeThinking(account, text)) return "";
  const clean = cleanSecrets(account, text);
  return clean.slice(0, secretTail(account, clean));
}

/** The messages of an answer that consists of this text; empty if there would be none. */
export type ComposeDraft = (text: string) => readonly Frozen[];

/** Creates the drafts of a turn's answer. Sends nothing before `grow`. */
export function createDraft(turn: OneTurn, compose: ComposeDraft) {
  const { account, turn: { claim: { message: { channelId } }, mayShow } } = turn;
  const { schedule, now, log } = account;
  const { awaited, freeAt } = growing(account);
  const wantedOf = createDraftText(turn, compose);
  const drafts: ShownDraft[] = [];
  let text = "";
  let isOver = false;
  let isHidden = mayShow !== undefined;
  let cancel: (() => void) | undefined;
  let underWay = Promise.resolve();

  function tryStep(): void {
    const waitMs = (freeAt.get(channelId) ?? 0) - now();
    if (waitMs > 0) {
      cancel = schedule(tryStep, Math.min(waitMs, EDIT_EVERY_MS));
      return;
    }
    freeAt.set(channelId, Infinity);
    underWay = takeStep().catch((error: unknown) => {
      isOver = true;
      log.warn("Cannot show an answer while the model writes it", { channelId, error });
      return 0;
    }).then((askedToWaitMs) => {
      const pauseMs = Math.max(EDIT_EVERY_MS, askedToWaitMs);
      freeAt.set(channelId, now() + pauseMs);
      if (!isOver) cancel = schedule(tryStep, pauseMs);
    });
  }

  /** @returns Milliseconds that Discord asks to wait. */
  async function takeStep(): Promise<number> {
    const { drafts: wanted, isFile } = wantedOf(text, drafts.length > 0);
    if (isFile) isOver = true; // posted drafts stay until the file is sent
    if (isOver) return 0;
    const step = nextDraftStep(drafts, wanted);
    if (step.kind === "none") return 0;
    const { message } = step;
    if (step.kind === "post") {
      const part = drafts.push({ message }) - 1;
      const content = await post(account, message, (messageId) => {
        drafts[part] = { message, ...drafts[part], messageId };
      });
      if (content === undefined) isOver = true;
      else drafts[part] = { message, content, ...drafts[part] };
      return 0;
    }
    const { part, messageId } = step;
    drafts[part] = { message, messageId };
    const end = await edit(account, messageId, message);
    if (end.isDone) drafts[part] = { message, messageId, content: message.content };
    isOver ||= end.isOver;
    return end.waitMs;
  }

  function begin(): void {
    if (!isOver && !isHidden) cancel ??= schedule(tryStep, FIRST_MS);
  }
  void mayShow?.then(() => {
    isHidden = false;
    if (text !== "") begin();
  });

  return {
    /** Tells that the answer has grown, or begins again. */
    grow(soFar: string): void {
      text = soFar;
      begin();
    },
    /** Whether a draft is posted, or about to be. */
    isShown: (): boolean => drafts.length > 0,
    /**
     * Ends the drafts; call it before storing the turn's end. Resolves once no request is under way, so
     * that none can follow the final text. Never rejects.
     */
    async end(): Promise<void> {
      isOver = true;
      cancel?.();
      await underWay;
      mayBeThinking(account, text); // for the next answer
      for (const { message } of drafts) awaited.delete(message.nonce);
    },
  };
}

export type DraftStream = ReturnType<typeof createDraft>;

interface WantedDrafts {
  /** Messages in their order; empty while there is nothing to show. */
  readonly drafts: readonly DraftMessage[];
  /** Whether the text is too long for messages and will be a file. */
  readonly isFile: boolean;
}

/** Shortest text, in UTF-16 units, for a first draft. */
const LEAST_LENGTH = 40;

/**
 * Creates the choice for one answer. It remembers the drafts of the newest text.
 *
 * @returns Chooses the drafts of a text; `hasDrafts` tells whether any is shown already.
 */
function createDraftText(
  { account, config: { discord: { textChunkLimit: maxLength } } }: OneTurn,
  compose: ComposeDraft,
): (text: string, hasDrafts: boolean) => WantedDrafts {
  let last: { readonly of: string; readonly wanted: WantedDrafts } | undefined;
  return (text, hasDrafts) => {
    if (last?.of === text) return last.wanted;
    const finished = finishedPart(harmlessPart(account, text), maxLength);
    const isWorthIt = hasDrafts || finished.trim().length >= LEAST_LENGTH;
    const frozen = isWorthIt ? compose(finished) : [];
    const isFile = frozen.some(({ files }) => files.length > 0);
    const wanted = { drafts: toDrafts(frozen, maxLength), isFile };
    last = { of: text, wanted };
    return wanted;
  };
}

/** Milliseconds of reading before the line says so. */
const READING_MS = 30_000;

/** Milliseconds between two edits that change only the seconds. */
const SECONDS_EVERY_MS = 5_000;

/**
 * Creates the line of one turn.
 *
 * @param steps Maximum number of requests to the model.
 * @param mayShow Resolves once the line may be posted; absent: it may at once.
 * @param isForReading Whether only a server that reads for long brings the line.
 */
export function createLine(
  account: BotAccount,
  place: ProgressPlace,
  steps: number,
  mayShow: Promise<void> | undefined,
  isForReading: boolean,
) {
  const { schedule, now, log } = account;
  const { awaited, freeAt } = growing(account);
  const { channelId } = place;
  const startedAt = now();
  let work: Pick<Work, "tools" | "reads" | "step" | "aside"> = { tools: [], step: 1 };
  let shown: { readonly work: typeof work; readonly at: number } | undefined;
  let messageId: MessageId | undefined;
  let nonce: string | undefined;
  let isOver = false;
  let readingAt: number | undefined;
  let dueAt = startedAt;
  let cancel: (() => void) | undefined;
  let underWay: Promise<unknown> = Promise.resolve();
  const isPosted = () => nonce !== undefined;

  function lineNow(): DraftMessage {
    const seconds = Math.max(0, Math.round((now() - startedAt) / 1_000));
    const isReading = readingAt !== undefined && now() - readingAt >= READING_MS;
    return progressLine(place, progressText({ ...work, steps, seconds, channelId, isReading }));
  }

  function later(ms: number): void {
    cancel?.();
    dueAt = now() + ms;
    if (!isOver) cancel = schedule(tryRequest, ms);
  }

  function begins(ms: number): void {
    if (mayShow) void mayShow.then(() => later(ms));
    else later(ms);
  }

  function tryRequest(): void {
    if (isForReading && !isPosted() && readingAt === undefined) return;
    if (readingAt !== undefined && now() - dueAt > READING_MS) { // the machine was suspended
      readingAt = now();
      if (!isPosted()) return later(READING_MS);
    }
    const waitMs = (freeAt.get(channelId) ?? 0) - now();
    if (waitMs > 0) return later(Math.min(waitMs, EDIT_EVERY_MS));
    underWay = request().then(
      later,
      (error: unknown) => log.warn("Cannot show the progress of a turn", { channelId, error }),
    );
  }

  /** @returns Milliseconds until the next request. */
  async function request(): Promise<number> {
    const wanted = { work, at: now() };
    const message = lineNow();
    if (!isPosted()) {
      shown = wanted;
      nonce = message.nonce;
      const content = await post(account, message, (id) => void (messageId = id));
      if (content !== message.content) shown = undefined;
      return EDIT_EVERY_MS;
    }
    const isNew = shown?.work !== work || now() - shown.at >= SECONDS_EVERY_MS;
    if (messageId === undefined || !isNew) return EDIT_EVERY_MS;
    freeAt.set(channelId, now() + EDIT_EVERY_MS);
    const end = await edit(account, messageId, message);
    if (end.isDone) shown = wanted;
    isOver ||= end.isOver;
    return Math.max(EDIT_EVERY_MS, end.waitMs);
  }

  if (!isForReading) begins(FIRST_MS);
  return {
    /** A server reads a request, or has begun to answer, as a `ModelRequest` tells it. */
    reading(isReading: boolean): void {
      readingAt = isReading ? now() : undefined;
      if (!isForReading || isPosted()) return;
      if (isReading) begins(READING_MS);
      else cancel?.();
    },
    /** Tells what the turn does next. */
    step(next: NextStep): void {
      const { aside } = work;
      work = next.kind === "ask"
        ? { tools: [], step: next.answers + 1, aside }
        : { step: work.step, ...toolsIn(next), aside };
    },
    /** Shows text that the model has written beside its calls, composed as an answer. */
    said(text: string): void {
      work = { ...work, aside: asideOf(text) };
    },
    /**
     * Ends the line; call it before storing the turn's end. Resolves once no request is under way,
     * with whether the outbox may have a line. Never rejects.
     */
    async end(): Promise<boolean> {
      isOver = true;
      cancel?.();
      await underWay;
      if (nonce !== undefined) awaited.delete(nonce);
      return isPosted();
    },
  };
}

/** The names of the running tools, and the channel that one of them reads. */
function toolsIn(next: Exclude<NextStep, { kind: "ask" }>) {
  const calls = next.kind === "run" ? next.calls : [next.call];
  const read = calls.find(({ name }) => name === "read_channel_history");
  const reads = read && parseSnowflake<"channel">(CHANNEL.exec(read.arguments)?.[1] ?? "");
  return { tools: calls.map(({ name }) => name), reads: reads || undefined };
}

/** The argument `channelId` of a call; only its digits get into the line. */
const CHANNEL = /"channelId"\s*:\s*"(?:<#|channel:)?(\d{15,20})[>"]/;

/** A message of the outbox has its final result. */
export function progressDelivered(
  account: BotAccount,
  { message: { of, nonce } }: OutboxRow,
  end: Delivery,
): void {
  if (!of || (end.kind !== "created" && end.kind !== "found")) return;
  if (of.kind === "draft") {
    growing(account).awaited.get(nonce)?.(end.messageId);
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
