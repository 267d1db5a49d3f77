/**
 * Gathers what a turn reads and works with: overheard messages, reactions, files, stored steps, and
 * its tools.
 */

import { namesIn } from "../../discord/gateway/decode/decode.ts";
import { cameBy } from "../../core/inbound/origin.ts";
import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import { createMissingPermission } from "../../discord/rest/permissions/denial.ts";
import { isOwner } from "../owners/owner_ids.ts";
import { compareIds, createdAtMs, type MessageId } from "../../core/discord/ids.ts";
import { type Overheard, partedText, toOverheard } from "../../core/inbound/transcript.ts";
import { joinedBy, type StoredSteps } from "../../core/step.ts";
import { type Claim, messagesOf } from "../../core/inbound/inbox.ts";
import { withoutFooter } from "../../core/outbound/outbound.ts";
import { toolChars } from "../../core/fit_request.ts";
import type { ModelImage } from "../../core/model.ts";
import { hasFiles } from "../media/files.ts";
import { envelopeOf, textOf } from "../../render/prompt/envelope.ts";
import { senderLines, systemPromptOf } from "../../render/prompt/system_prompt.ts";
import type { ModelAnswer } from "../../render/reply.ts";
import { whileAwake } from "../../lib/clock.ts";
import { historyChars } from "../../session/history.ts";
import { openHistory, type TurnHistory } from "../session/turn_history.ts";
import { fenced } from "../../render/prompt/untrusted.ts";
import { createToolbox, type Toolbox } from "../../agent/toolbox.ts";
import type { OneTurn } from "./turn_step.ts";
import {
  createTurnAttachments,
  createTurnTexts,
  imagesOfEarlier,
  type TurnAttachments,
  type TurnTexts,
} from "./turn_attachments.ts";

/** Share of the history's room that the texts of the message's files may take. */
const FILES_SHARE = 0.5;

/** Maximum UTF-16 units of overheard messages for the model. */
const OVERHEARD_CHARS = 6_000;

/** Whether the claim's session is that of a thread which its answer opens (S7). */
export function opensThread({ message: { id, channelId }, route: { sessionKey } }: Claim): boolean {
  return String(id) !== channelId && sessionKey.endsWith(`:channel:${id}`);
}

const NOTHING_JOINED: ReadonlySet<MessageId> = new Set();
const NO_IMAGES: readonly ModelImage[] = [];

/** What the model reads in some turns alone, before the message. */
export interface TurnContext {
  /** The message that a thread began with (H6). */
  starter?: Overheard;
}

export interface Gathered {
  readonly texts: TurnTexts;
  /** Messages of the channel that the model sees, and questions of turns that run. */
  readonly overheard: readonly Overheard[];
  readonly stored: StoredSteps;
  readonly images: readonly ModelImage[];
  /** Files of the turn's messages. Those of messages that join later are not read yet. */
  readonly attachments: () => TurnAttachments;
  /** Reads the files and the quotes of messages that have joined since. */
  readonly readJoined: (signal: AbortSignal) => Promise<void>;
}

/**
 * Fetches the turn's context. Only channels have overheard messages, not direct messages.
 *
 * @param options `attachmentChars`: maximum UTF-16 units of the texts of files.
 */
async function gather(
  { account, turn, model, rules, stored }: OneTurn,
  { starter }: TurnContext,
  { boundary, attachmentChars }: { readonly boundary: string; readonly attachmentChars: number },
): Promise<Gathered> {
  const { historyLimit: channelLimit, timezone } = rules;
  const { store: { turns: store }, stopping } = account;
  const { claim } = turn;
  const { message, route: { sessionKey } } = claim;
  const { own: steps } = stored;
  const historyLimit = opensThread(claim) ? 0 : channelLimit; // a thread inherits no history
  const asked = turn.ahead.map(toOverheard);
  const said = historyLimit === 0
    ? []
    : await store.overheard(message, sessionKey, message.id, historyLimit);
  // The next turn in the channel gets them: a call is not in it.
  const reactions = await store.reactionsFor(message, message.id);
  const passive = cameBy(message, "passive");
  const shownId = starter?.messageId ?? passive?.messageId;
  const heard = passive && historyLimit > 0
    ? await withQuestions(account, said, claim, historyLimit)
    : said;
  const overheard = heard.filter(({ messageId }) => messageId !== shownId);

  let made: TurnAttachments | undefined; // most turns have no files, and make none
  const attachments = () =>
    made ??= createTurnAttachments(account, {
      agentId: claim.route.agentId,
      takesImages: model.takesImages !== false,
      maxChars: attachmentChars,
    });
  const joined = steps.length > 0 ? joinedBy(steps) : NOTHING_JOINED;
  if (steps.length > 0 || claim.also || hasFiles(message)) {
    const messages = messagesOf(claim);
    const first = messages.filter(({ id }) => id === message.id || !joined.has(id));
    await attachments().read(first, stopping);
    for (const { messageIds } of steps.filter((step) => step.kind === "joined")) {
      await attachments().read(messages.filter(({ id }) => messageIds.includes(id)), stopping);
    }
  }
  if (steps.length > 0) await attachments().readKept(message.id, steps);
  /** Texts of quoted answers without their footers, by the message that quotes them. */
  const quotes = new Map<MessageId, string>();
  async function readQuotes(): Promise<void> {
    for (const { id, quoted } of messagesOf(turn.claim)) {
      if (!quoted || quotes.has(id)) continue;
      quotes.set(id, await withoutFooter(quoted.text, quoted.id, account.store.outbox.footerOf));
    }
  }
  if (claim.also || message.quoted) await readQuotes();

  const texts = createTurnTexts(() => turn.claim, joined, (one, isFirst) => {
    const read = made?.of(one.id) ?? [];
    const reacted = isFirst ? reactions : [];
    const more = [...read.map(textOf), ...reacted.map((note) => note.message?.text ?? "")];
    const names = more.length > 0 && namesIn(more, {}, one.place, account.reader);
    const named = names ? { ...one, names: { ...names, ...one.names } } : one;
    const parts = envelopeOf({
      message: named.quoted
        ? { ...named, quoted: { ...named.quoted, text: quotes.get(one.id) ?? named.quoted.text } }
        : named,
      starter: isFirst && starter ? starter : undefined,
      overheard: isFirst ? overheard : [],
      asked: isFirst ? asked : [],
      overheardChars: OVERHEARD_CHARS,
      reactions: reacted,
      senderLines: isFirst ? senderLines(rules.tools, rules.offered, rules.ownerId) : [],
      timezone,
      attachments: read,
      attachmentChars: made?.charsFor(one.id),
    });
    return partedText(parts, boundary);
  });
  return {
    texts,
    overheard: [...starter ? [starter] : [], ...overheard, ...asked],
    stored,
    images: made ? made.imagesOf(texts.begunWith()) : NO_IMAGES,
    attachments,
    async readJoined(signal) {
      await attachments().read(messagesOf(turn.claim), signal);
      await readQuotes();
    },
  };
}

/** Milliseconds of talk that the first turn of a passive agent reads, and messages of each turn. */
const FIRST_TALK_MS = 60 * 60_000;
const MAX_TALK = 200;

/** Adds the questions to active agents in the channel, for the session of a passive one (N1). */
async function withQuestions(
  { store: { turns, messages } }: BotAccount,
  others: readonly Overheard[],
  { message, route: { sessionKey } }: Claim,
  limit: number,
): Promise<readonly Overheard[]> {
  const seen = (await turns.entriesOf(sessionKey, MAX_TALK)).findLast(({ role }) =>
    role === "user"
  );
  const since = seen ? createdAtMs(seen.messageId) : message.sentAt - FIRST_TALK_MS;
  const talk = await messages.recentTalk(message.accountId, since, MAX_TALK);
  const known = new Set(others.map(({ messageId }) => messageId));
  const questions = talk.flatMap((one): readonly Overheard[] => {
    const { id: messageId, channelId, text, sentAt } = one;
    const isNew = one.kind === "person" && channelId === message.channelId &&
      !known.has(messageId) && compareIds(messageId, message.id) < 0 &&
      (!seen || compareIds(messageId, seen.messageId) > 0);
    if (!isNew) return [];
    const { sender, replyTo, forwards } = one;
    return [{
      messageId,
      tag: sender.username,
      authorId: sender.id,
      text,
      replyTo,
      forwards,
      sentAt,
    }];
  });
  return [...others, ...questions]
    .sort((one, other) => compareIds(one.messageId, other.messageId))
    .slice(-limit);
}

/** The first request of a turn, and everything that it was made of. */
export interface TurnRequest {
  readonly boundary: string;
  readonly system: string;
  /** The message with its context, as the model reads it. */
  readonly envelope: string;
  readonly gathered: Gathered;
  readonly toolbox: Toolbox;
  readonly opened: Awaited<ReturnType<typeof openHistory>>;
  /** The entries of the session that fit; a refused request leaves fewer. */
  history: TurnHistory;
}

/**
 * Reads the request of a turn: the message with its context, and the entries of the session that fit.
 *
 * @returns `undefined` if the account has ended meanwhile.
 * @throws {unknown} The store's error.
 */
export async function readRequest(
  turn: OneTurn,
  context: TurnContext,
): Promise<TurnRequest | undefined> {
  const { account, turn: running, rules, model, spending: { by } } = turn;
  const { window = rules.window } = model;
  const boundary = account.randomId();
  const system = systemPromptOf(rules.instructions);
  const attachmentChars = Math.floor(historyChars(window, system.length) * FILES_SHARE);
  const gathered = await gather(turn, context, { boundary, attachmentChars });
  if (account.ended.aborted) return undefined;
  const { texts, images } = gathered;
  const envelope = texts.first();
  const toolbox = toolboxOf(turn, boundary, gathered);
  const { reset, timezone, userTurns, timeoutMs } = rules;
  const opened = await openHistory(
    account,
    running.claim,
    { system, envelope, images, toolChars: toolChars(toolbox.definitions) },
    { window, reset, timezone, userTurns, timeoutMs },
    {
      ...{ model, by },
      earlierImages: model.takesImages !== false
        ? (messageIds) => imagesOfEarlier(account, messageIds, running, gathered.attachments())
        : undefined,
    },
  );
  const { history } = opened;
  return { boundary, system, envelope, gathered, toolbox, opened, history };
}

/** What people could see of a turn's request: an answer may name it. */
export function shownOf(
  { gathered: { overheard, texts }, system, envelope, history: { entries } }: TurnRequest,
): ModelAnswer["shown"] {
  return {
    overheard,
    // Not the model's own texts: their links would count as known because of themselves.
    texts: () => [
      ...texts.all(),
      envelope,
      ...entries.flatMap(({ role, text }) => role === "user" ? [text] : []),
    ],
    system,
  };
}

/** The tools of a turn. */
function toolboxOf(
  { account, turn, rules }: OneTurn,
  boundary: string,
  gathered: Gathered,
): Toolbox {
  return createToolbox(rules.tools, {
    offered: rules.offered,
    timeoutMs: rules.toolTimeoutMs,
    readers: async () => {
      const { acting, reading } = await import("../questions/action_questions.ts");
      const { isSeenByOthers } = await import("../actions/targets.ts");
      return { acting, reading, isSeenByOthers };
    },
    isSmall: rules.isSmall,
    schedule: whileAwake(account.schedule),
    cleanSecrets: rules.cleanSecrets,
    fence: (result) => fenced("result", boundary, result),
    missingRight: (needs) => missingRight(account, messagesOf(turn.claim), needs),
    keepImage: (bytes) => gathered.attachments().keepImage(turn.claim.message, bytes),
  });
}

const missingPermissionOf = perAccount(
  "turns",
  ({ rest, now }) => createMissingPermission(rest, now),
);

/**
 * The first Discord permission that one of those who ask lacks in the place of their message, before a
 * tool runs for them (T4); in direct messages, which have no permissions, none. The bot may do more than
 * the asker, and only an owner of the bot may use all of it.
 *
 * @throws {RestError} If Discord does not answer.
 */
export async function missingRight(
  account: BotAccount,
  messages: readonly InboundMessage[],
  needed: readonly string[],
): Promise<string | undefined> {
  const others = messages.filter((message) => !isOwner(account, message));
  const askers = new Map(others.map((message) => [message.sender.id, message]));
  for (const { channelId, guildId, sender } of askers.values()) {
    const place = { channelId, guildId, userId: sender.id };
    const missing = await missingPermissionOf(account)(place, needed);
    if (missing !== undefined) return missing;
  }
  return undefined;
}
