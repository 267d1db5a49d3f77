/**
 * Folds the older entries of a session into a summary, which the model writes in a request of its
 * own. One request runs for a session at a time.
 *
 * Entries are never deleted or changed. The summary and its range are one transaction: a crash
 * before it asks again, and nothing asks again after it. If the model gives no summary, the next turn
 * tries again. After three failures in a row, or if a request would lack entries, a summary without a
 * model takes its place. So a model that always fails costs one request each time that the window is
 * full, and no conversation loses its beginning.
 */

import type { BotAccount } from "../../account/account.ts";
import { cleanSecrets, perAccount } from "../../account/per_account.ts";
import type { Claim } from "../../core/inbound/inbox.ts";
import type { Model, ModelRequest } from "../../core/model.ts";
import type { Checkpoint, Entry, Fold, FoldCause } from "../../core/inbound/inbound.ts";
import type { UsedBy } from "../../core/spending/budget.ts";
import { endingWithin, whileAwake } from "../../lib/clock.ts";
import { meteredModel } from "../limits.ts";
import { plainSummaryOf, summaryOf, summaryRequestOf } from "../../render/prompt/summary.ts";
import {
  foldCount,
  historyChars,
  isWorthFolding,
  keptChars,
  MAX_ENTRIES,
  type RequestSize,
} from "../../session/session.ts";

const stateOf = perAccount("turns", () => ({
  /** Requests that run, by session. Each tells whether it has folded the session. */
  running: new Map<string, Promise<boolean>>(),
  /** Number of failures in a row since the last summary by a model, by session; and the last's time. */
  failures: new Map<string, { readonly count: number; readonly at: number }>(),
}));

/** When the model last gave no summary of a session, as Unix time in milliseconds; absent: it did. */
export function summaryFailedAt(account: BotAccount, sessionKey: string): number | undefined {
  return stateOf(account).failures.get(sessionKey)?.at;
}

/** The session to fold, and the message or command that causes it. */
interface FoldedFor {
  readonly route: Claim["route"];
  readonly message: { readonly id: string };
}

/** How to fold. A command folds all entries, whatever else a request has. */
interface Folding extends RequestSize {
  /** The model that writes the summary. */
  readonly model: Model;
  /** Whom its request counts for. */
  readonly by: UsedBy;
  readonly timeoutMs: number;
  /** Ends the request early; absent: a stop of the account does. */
  readonly ending?: AbortSignal;
  /** Whether a request waits, and would lack entries without a summary. */
  readonly isNeeded: boolean;
}

/** Maximum UTF-16 units of a summary, and its share of a small window. */
const SUMMARY_CHARS = 8_000;
const SUMMARY_SHARE = 0.15;
/** Share of the window that the entries may take in the request for a summary. */
const REQUEST_SHARE = 0.8;
/** Failures in a row after which a summary without a model takes the place of the model's. */
const MAX_FAILURES = 3;
/** Maximum number of sessions whose failures are remembered. */
const SESSIONS_MAX = 1_000;
const FOLD_ENTRIES = 4 * MAX_ENTRIES;

/**
 * Folds a session's older entries.
 *
 * @param previous The session's newest checkpoint.
 * @returns Whether a summary was stored. A failure of the model is not thrown.
 * @throws {unknown} The store's error.
 */
export async function compact(
  account: BotAccount,
  claim: FoldedFor,
  previous: Checkpoint | undefined,
  cause: FoldCause,
  how: Folding,
): Promise<boolean> {
  const { running } = stateOf(account);
  const { sessionKey } = claim.route;
  const other = running.get(sessionKey);
  if (other && cause === "full" && !how.isNeeded) return false;
  if (await other) return true;
  const own = foldNow(account, claim, previous, cause, how);
  running.set(sessionKey, own);
  try {
    return await own;
  } finally {
    if (running.get(sessionKey) === own) running.delete(sessionKey);
  }
}

async function foldNow(
  account: BotAccount,
  claim: FoldedFor,
  previous: Checkpoint | undefined,
  cause: FoldCause,
  how: Folding,
): Promise<boolean> {
  const { route: { agentId, sessionKey }, message } = claim;
  const { store: { sessions: store }, now, log } = account;
  const { older, entries, changes } = await store.openEntries(sessionKey, FOLD_ENTRIES);
  const newest = await store.checkpointOf(sessionKey);
  if (newest?.summary?.text !== previous?.summary?.text) return false; // removed meanwhile
  const kept = cause === "command" ? 0 : keptChars(how);
  const folded = entries.slice(0, foldCount(entries, kept));
  const last = folded.at(-1);
  if (!last || (cause === "full" && !isWorthFolding(entries, how))) return false;
  const written = await writeSummary(account, claim, previous?.summary, folded, cause, how);
  if (!written) return false;
  const fold: Fold = {
    agentId,
    sessionKey,
    cause,
    count: older + folded.length,
    last: { messageId: last.messageId, role: last.role },
    ...written,
    changes,
  };
  const isStored = await store.fold(fold, now());
  if (isStored) {
    log.info("Older entries of a session were folded into a summary", {
      sessionKey,
      cause,
      writtenBy: fold.modelId ?? "no model",
      entries: folded.length,
      summaryChars: fold.summary.text.length,
      messageId: message.id,
    });
  }
  return isStored;
}

/** @returns `undefined` if the next turn is to try again. */
async function writeSummary(
  account: BotAccount,
  { route: { sessionKey }, message }: FoldedFor,
  previous: Checkpoint["summary"],
  entries: readonly Entry[],
  cause: FoldCause,
  how: Folding,
): Promise<Pick<Fold, "summary" | "modelId"> | undefined> {
  const { ending = account.stopping, isNeeded } = how;
  const { failures } = stateOf(account);
  const all = historyChars(how.window, 0, how.tokensPerChar);
  const boundary = account.randomId();
  const summaryChars = Math.floor(Math.min(SUMMARY_CHARS, all * SUMMARY_SHARE));
  const request = summaryRequestOf({
    previous,
    entries,
    boundary,
    maxChars: Math.floor(all * REQUEST_SHARE) - (previous?.text.length ?? 0),
    summaryChars,
  });
  const sources = [
    ...(previous ? [previous.text] : []),
    ...entries.map(({ text, messageId }) => `${messageId} ${text}`),
  ];
  const textOf = (written: string) =>
    summaryOf(cleanSecrets(account, written), sources, summaryChars);

  const { count: before = 0 } = failures.get(sessionKey) ?? {};
  // No person waits for a model that fails each time.
  const asks = !isNeeded || before < MAX_FAILURES;
  const answer = asks ? await ask(account, request, how, ending) : undefined;
  if (ending.aborted) return undefined;
  const written = answer?.text === undefined ? undefined : textOf(answer.text);
  if (written !== undefined) {
    failures.delete(sessionKey);
    return { summary: { boundary, text: written, isPlain: false }, modelId: answer?.modelId };
  }
  const count = answer ? before + 1 : before;
  if (failures.size >= SESSIONS_MAX) failures.clear();
  failures.set(sessionKey, { count, at: account.now() });
  const triesAgain = cause === "command" || !(isNeeded || count >= MAX_FAILURES);
  if (answer) {
    account.log.warn("The model gave no summary of older entries", {
      sessionKey,
      model: how.model.id,
      failures: count,
      instead: triesAgain ? "another try with the next turn" : "the first words of each message",
      messageId: message.id,
      error: answer.error ?? "its answer had no text",
    });
  }
  if (triesAgain) return undefined;
  const text = textOf(plainSummaryOf(entries, previous, summaryChars));
  return text === undefined ? undefined : { summary: { boundary, text, isPlain: true } };
}

async function ask(
  account: BotAccount,
  request: ModelRequest,
  { model, by, timeoutMs }: Folding,
  stopping: AbortSignal,
): Promise<{
  /** Absent if it gave no whole answer in time. */
  readonly text?: string;
  readonly modelId?: string;
  /** Why it may be no summary. */
  readonly error?: unknown;
}> {
  const writer = meteredModel(account, model, "compaction", by);
  const late = () => new Error(`no summary within ${timeoutMs / 1_000} s`);
  try {
    return await endingWithin(
      timeoutMs,
      whileAwake(account.schedule),
      stopping,
      late,
      async (ending) => {
        let text = "";
        for await (const part of writer.generate(request, ending)) {
          if (part.kind === "finish") {
            return {
              text,
              modelId: part.modelId ?? model.id,
              error: part.calls ? "it called a tool" : undefined,
            };
          }
          if (part.kind === "again") text = "";
          if (part.kind === "text") text += part.text;
        }
        return { error: "its answer ended early" };
      },
    );
  } catch (error) {
    return { error };
  }
}
