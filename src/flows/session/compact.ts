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

import type { Claim } from "../../core/inbound/inbox.ts";
import type { Model, ModelRequest } from "../../core/model.ts";
import type { Checkpoint, Fold, FoldCause } from "../../core/turn/checkpoint.ts";
import { plainSummaryOf } from "../../render/prompt/plain_summary.ts";
import { summaryOf, summaryRequestOf } from "../../render/prompt/summary.ts";
import {
  foldCount,
  historyChars,
  isWorthFolding,
  keptChars,
  MAX_ENTRIES,
  type RequestSize,
} from "../../session/history.ts";
import type { Account } from "../../core/account/account.ts";
import type { Sessions } from "../../store/sessions/sessions.ts";

export interface Summaries {
  /** Requests that run, by session. Each tells whether it has folded the session. */
  readonly running: Map<string, Promise<boolean>>;
  /** Failures since the last summary by a model, by session. */
  readonly failures: Map<string, {
    /** Number of failures in a row. */
    readonly count: number;
    /** When the last one was, as Unix time in milliseconds. */
    readonly at: number;
  }>;
}

/** Creates the summaries of an account, none of which runs. */
export function createSummaries(): Summaries {
  return { running: new Map(), failures: new Map() };
}

/** Everything that folding needs from outside. */
export interface CompactPorts
  extends Pick<Account, "randomId" | "now" | "schedule" | "stopping" | "log"> {
  readonly store: Pick<Sessions, "checkpointOf" | "openEntries" | "fold">;
  /** The model that writes the summary; it counts its requests, and obeys budgets. */
  readonly model: Model;
  readonly summaries: Summaries;
  /** Removes the config's secrets from a summary (SEC-R9). */
  readonly cleanSecrets: (text: string) => string;
}

/** The session to fold, and the message or command that causes it. */
interface FoldedFor extends Pick<Claim, "route"> {
  readonly message: { readonly id: string };
}

/** The bounds of a folding. A command folds all entries, whatever else a request has. */
interface CompactLimits extends RequestSize {
  readonly timeoutMs: number;
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
  claim: FoldedFor,
  previous: Checkpoint | undefined,
  cause: FoldCause,
  limits: CompactLimits,
  ports: CompactPorts,
): Promise<boolean> {
  const { running } = ports.summaries;
  const { sessionKey } = claim.route;
  const other = running.get(sessionKey);
  if (other && cause === "full" && !limits.isNeeded) return false;
  if (await other) return true;
  const own = foldNow(claim, previous, cause, limits, ports);
  running.set(sessionKey, own);
  try {
    return await own;
  } finally {
    if (running.get(sessionKey) === own) running.delete(sessionKey);
  }
}

async function foldNow(
  claim: FoldedFor,
  previous: Checkpoint | undefined,
  cause: FoldCause,
  limits: CompactLimits,
  ports: CompactPorts,
): Promise<boolean> {
  const { route: { agentId, sessionKey }, message } = claim;
  const { store, now, log, summaries: { failures } } = ports;
  const all = historyChars(limits.window, 0, limits.tokensPerChar);
  const { older, entries, changes } = await store.openEntries(sessionKey, FOLD_ENTRIES);
  const newest = await store.checkpointOf(sessionKey);
  if (newest?.summary?.text !== previous?.summary?.text) return false; // removed meanwhile
  const kept = cause === "command" ? 0 : keptChars(limits);
  const folded = entries.slice(0, foldCount(entries, kept));
  const last = folded.at(-1);
  if (!last || (cause === "full" && !isWorthFolding(entries, limits))) return false;
  const boundary = ports.randomId();
  const summaryChars = Math.floor(Math.min(SUMMARY_CHARS, all * SUMMARY_SHARE));
  const summary = previous?.summary;
  const request = summaryRequestOf({
    previous: summary,
    entries: folded,
    boundary,
    maxChars: Math.floor(all * REQUEST_SHARE) - (summary?.text.length ?? 0),
    summaryChars,
  });
  const sources = [
    ...(summary ? [summary.text] : []),
    ...folded.map(({ text, messageId }) => `${messageId} ${text}`),
  ];
  const textOf = (written: string) => summaryOf(ports.cleanSecrets(written), sources, summaryChars);

  const { count: before = 0 } = failures.get(sessionKey) ?? {};
  // No person waits for a model that fails each time.
  const asks = !limits.isNeeded || before < MAX_FAILURES;
  const answer = asks ? await ask(request, limits.timeoutMs, ports) : undefined;
  if (ports.stopping.aborted) return false;
  let text = answer?.text === undefined ? undefined : textOf(answer.text);
  const isPlain = text === undefined;
  if (text !== undefined) failures.delete(sessionKey);
  else {
    const count = answer ? before + 1 : before;
    if (failures.size >= SESSIONS_MAX) failures.clear();
    failures.set(sessionKey, { count, at: now() });
    const triesAgain = cause === "command" || !(limits.isNeeded || count >= MAX_FAILURES);
    if (answer) {
      log.warn("The model gave no summary of older entries", {
        sessionKey,
        model: ports.model.id,
        failures: count,
        instead: triesAgain ? "another try with the next turn" : "the first words of each message",
        messageId: message.id,
        error: answer.error ?? "its answer had no text",
      });
    }
    if (triesAgain) return false;
    text = textOf(plainSummaryOf(folded, summary, summaryChars));
    if (text === undefined) return false;
  }
  const fold: Fold = {
    agentId,
    sessionKey,
    cause,
    count: older + folded.length,
    last: { messageId: last.messageId, role: last.role },
    summary: { boundary, text, isPlain },
    modelId: isPlain ? undefined : answer?.modelId,
    changes,
  };
  const isStored = await store.fold(fold, now());
  if (isStored) {
    log.info("Older entries of a session were folded into a summary", {
      sessionKey,
      cause,
      writtenBy: fold.modelId ?? "no model",
      entries: folded.length,
      summaryChars: text.length,
      messageId: message.id,
    });
  }
  return isStored;
}

async function ask(
  request: ModelRequest,
  timeoutMs: number,
  { model, schedule, stopping }: CompactPorts,
): Promise<{
  /** Absent if it gave no whole answer in time. */
  readonly text?: string;
  readonly modelId?: string;
  /** Why it may be no summary. */
  readonly error?: unknown;
}> {
  const ending = new AbortController();
  const cancel = schedule(
    () => ending.abort(new Error(`no summary within ${timeoutMs / 1_000} s`)),
    timeoutMs,
  );
  const onStop = () => ending.abort(stopping.reason);
  if (stopping.aborted) onStop();
  stopping.addEventListener("abort", onStop, { once: true });
  try {
    let text = "";
    for await (const part of model.generate(request, ending.signal)) {
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
  } catch (error) {
    return { error };
  } finally {
    cancel();
    stopping.removeEventListener("abort", onStop);
  }
}
