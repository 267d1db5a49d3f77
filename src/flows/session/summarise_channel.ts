/**
 * Summarises a channel's messages in pieces that fit into the model's window (T6).
 *
 * Each piece is one request; one more joins their summaries. Their number is bounded, so the cost of
 * one call of a tool is, too.
 */

import { askForText, UNKNOWN_WINDOW } from "../../core/model.ts";
import type { MessageId } from "../../core/discord/ids.ts";
import { BudgetSpent, usedBy } from "../../core/spending/budget.ts";
import { type DiscordCall, shownLine, type ShownMessage } from "../../core/turn/discord_place.ts";
import { cleanSecrets } from "../../account/per_account.ts";
import { meteredModel } from "../limits.ts";
import { clip } from "../../lib/text/quoted.ts";
import {
  channelRequestOf,
  channelSummaryOf,
  INSTRUCTION_CHARS,
} from "../../render/prompt/summary.ts";
import { historyChars } from "../../session/session.ts";
import { RefusedCall } from "../../core/turn/tool.ts";

/** A summary, with the part of the messages that it covers. */
export interface ChannelSummary {
  /** The summary, with ids of messages in brackets. Untrusted. */
  readonly text: string;
  /** Number of summarised messages. */
  readonly messages: number;
  /** The oldest of them. */
  readonly first: MessageId;
  /** The newest of them. */
  readonly last: MessageId;
  /** Number of messages that are missing within this range, because the model gave no summary. */
  readonly missing: number;
}

/** Maximum UTF-16 units of messages in one request, and its share of a small window. */
const PIECE_CHARS = 24_000;
const PIECE_SHARE = 0.7;
/** Maximum UTF-16 units of one message. */
const MESSAGE_CHARS = 2_000;
/** Maximum number of requests for pieces, and of those at a time. */
const PIECES_MAX = 10;
const AT_ONCE = 4;
/** Maximum UTF-16 units of a summary: a longer result would be cut in the turn. */
const SUMMARY_CHARS = 6_000;

/**
 * Summarises messages in requests to the model, which count as the asker's use and obey budgets.
 *
 * @param messages Oldest first, at least one. If they are too many, the newest ones.
 * @param question The question that the summary must answer; absent: a general summary.
 * @throws {RefusedCall} If a budget is spent.
 * @throws {Error} If the model gives no summary at all; or the signal's reason.
 */
export async function summarise(
  call: DiscordCall,
  messages: readonly ShownMessage[],
  question?: string,
): Promise<ChannelSummary> {
  const { account, agentId, message, signal } = call;
  const { randomId, log } = account.forPart("turns");
  const model = meteredModel(
    account,
    account.settings.models.of(agentId),
    "summary",
    usedBy(message, agentId),
  );
  const room = historyChars(model.window ?? UNKNOWN_WINDOW, INSTRUCTION_CHARS);
  const pieceChars = Math.floor(Math.min(PIECE_CHARS, room * PIECE_SHARE));
  const maxChars = Math.floor(Math.min(SUMMARY_CHARS, room * (1 - PIECE_SHARE)));
  const clean = (text: string) => cleanSecrets(account, text);
  const pieces = piecesOf(messages, pieceChars, clean).slice(-PIECES_MAX);

  const lines = pieces.flatMap((piece) => piece.lines);
  const summaryOf = async (parts: readonly string[], areSummaries: boolean) => {
    const request = channelRequestOf({
      parts,
      areSummaries,
      boundary: randomId(),
      maxChars,
      question: question !== undefined ? clean(question) : undefined,
    });
    return channelSummaryOf(clean(await askForText(model, request, signal)), lines, maxChars);
  };

  const summaries = await inOrder(pieces, async (piece) => {
    try {
      return await summaryOf(piece.lines, false);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof BudgetSpent) {
        throw new RefusedCall("budget", "today's budget is used up", { cause: error });
      }
      log.warn("The model gave no summary of a part of a channel", { model: model.id, error });
      return undefined;
    }
  });
  const known = summaries.filter((summary) => summary !== undefined);
  const ids = pieces.flatMap((piece) => piece.ids);
  const [first, last] = [ids[0], ids.at(-1)];
  if (known.length === 0 || first === undefined || last === undefined) {
    throw new Error("the model gave no summary");
  }
  const missing = pieces
    .flatMap((piece, at) => summaries[at] === undefined ? piece.ids : []).length;
  const text = known.length === 1
    ? known.join()
    : await merged(known, (parts) => summaryOf(parts, true), maxChars);
  return { text, messages: ids.length - missing, first, last, missing };
}

/** Joins summaries by the model; without its answer, one after the other. */
async function merged(
  summaries: readonly string[],
  summaryOf: (summaries: readonly string[]) => Promise<string | undefined>,
  maxChars: number,
): Promise<string> {
  const each = Math.floor(maxChars / summaries.length);
  const joined = () => summaries.map((summary) => summary.slice(0, each).toWellFormed()).join("\n");
  // The model reads all summaries at once, so they must fit into one request as a piece does.
  const fit = Math.floor(maxChars * PIECE_SHARE / (1 - PIECE_SHARE) / summaries.length);
  const parts = summaries.map((summary) => summary.slice(0, fit).toWellFormed());
  return await summaryOf(parts).catch(() => undefined) ?? joined();
}

/** Cuts messages into pieces, from the newest backwards, so that only the oldest piece is short. */
function piecesOf(
  messages: readonly ShownMessage[],
  maxChars: number,
  clean: (text: string) => string,
): readonly { readonly lines: readonly string[]; readonly ids: readonly MessageId[] }[] {
  const pieces: { lines: string[]; ids: MessageId[] }[] = [];
  const mostChars = Math.min(MESSAGE_CHARS, Math.floor(maxChars / 2));
  let room = 0;
  for (const message of messages.toReversed()) {
    const line = clean(shownLine(message, (text) => clip(text, mostChars)));
    let piece = pieces[0];
    if (!piece || line.length + 1 > room) {
      pieces.unshift(piece = { lines: [], ids: [] });
      room = maxChars;
    }
    room -= line.length + 1;
    piece.lines.unshift(line);
    piece.ids.unshift(message.id);
  }
  return pieces;
}

/** Runs a task for each item, a few at a time. The results are in the order of the items. */
async function inOrder<Item, Result>(
  items: readonly Item[],
  task: (item: Item) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += AT_ONCE) {
    results.push(...await Promise.all(items.slice(at, at + AT_ONCE).map(task)));
  }
  return results;
}
