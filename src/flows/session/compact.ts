/**
 * Folds the older entries of a session into a summary, which the model writes in a request of its
 * own. One request runs for a session at a time.
 *
 * Entries are never deleted or changed. The summary and its range are one transaction: a crash
 * before it asks again, and nothing asks again after it. If the model gives no summary, the turn goes
 * on without the oldest entries, and a later turn tries again.
 */

import type { Claim } from "../../core/inbound/inbox.ts";
import type { Model, ModelRequest } from "../../core/model.ts";
import type { Checkpoint, Fold, FoldCause } from "../../core/turn/checkpoint.ts";
import { summaryOf, summaryRequestOf } from "../../render/prompt/summary.ts";
import {
  foldCount,
  historyChars,
  isWorthFolding,
  keptChars,
  MAX_ENTRIES,
  type RequestSize,
} from "../../session/history.ts";
import type { Sessions } from "../../core/store/sessions.ts";
import type { Account } from "../../core/account/account.ts";

/** Everything that folding needs from outside. */
export interface CompactPorts
  extends Pick<Account, "randomId" | "now" | "schedule" | "stopping" | "log"> {
  readonly store: Pick<Sessions, "openEntries" | "fold">;
  /** The model that writes the summary; it counts its requests, and obeys budgets. */
  readonly model: Model;
  /**
   * When each session may be folded again, while a request runs and after its failure, as Unix time
   * in milliseconds.
   */
  readonly retryAt: Map<string, number>;
  /** Removes the config's secrets from a summary (SEC-R9). */
  readonly cleanSecrets: (text: string) => string;
}

/** The session to fold, and the message or command that causes it. */
export interface FoldedFor extends Pick<Claim, "route"> {
  /** Its id is for the log. */
  readonly message: { readonly id: string };
}

/** The bounds of a folding. A command folds all entries, whatever else a request has. */
export interface CompactLimits extends RequestSize {
  readonly timeoutMs: number;
}

/** Maximum UTF-16 units of a summary, and its share of a small window. */
const SUMMARY_CHARS = 8_000;
const SUMMARY_SHARE = 0.15;
/** Share of the window that the entries may take in the request for a summary. */
const REQUEST_SHARE = 0.8;
/** Milliseconds before a session is folded again after a failure, and the number to remember. */
const RETRY_MS = 5 * 60_000;
const RETRIES_MAX = 1_000;
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
  const { route: { agentId, sessionKey }, message } = claim;
  const { store, now, log } = ports;
  if ((ports.retryAt.get(sessionKey) ?? 0) > now()) return false;
  const all = historyChars(limits.window, 0, limits.tokensPerChar);
  const { older, entries } = await store.openEntries(sessionKey, FOLD_ENTRIES);
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
  if (ports.retryAt.size >= RETRIES_MAX) ports.retryAt.clear();
  ports.retryAt.set(sessionKey, now() + limits.timeoutMs + RETRY_MS);
  const answer = await ask(request, claim, limits.timeoutMs, ports);
  const sources = [
    ...(summary ? [summary.text] : []),
    ...folded.map(({ text, messageId }) => `${messageId} ${text}`),
  ];
  const text = answer && summaryOf(ports.cleanSecrets(answer.text), sources, summaryChars);
  if (!answer || text === undefined) {
    if (ports.stopping.aborted) ports.retryAt.delete(sessionKey);
    else ports.retryAt.set(sessionKey, now() + RETRY_MS);
    return false;
  }
  const fold: Fold = {
    agentId,
    sessionKey,
    cause,
    count: older + folded.length,
    last: { messageId: last.messageId, role: last.role },
    summary: { boundary, text },
    modelId: answer.modelId,
  };
  const isStored = await store.fold(fold, now()).finally(() => ports.retryAt.delete(sessionKey));
  if (isStored) {
    log.info("Older entries of a session were folded into a summary", {
      sessionKey,
      cause,
      entries: folded.length,
      summaryChars: text.length,
      messageId: message.id,
    });
  }
  return isStored;
}

/** Asks the model once; `undefined` if it gives no whole answer in time. */
async function ask(
  request: ModelRequest,
  { message, route: { sessionKey } }: FoldedFor,
  timeoutMs: number,
  { model, schedule, stopping, log }: CompactPorts,
): Promise<SummaryAnswer | undefined> {
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
      if (part.kind === "finish") return { text, modelId: part.modelId ?? model.id };
      text = part.kind === "again" ? "" : text + part.text;
    }
    return undefined;
  } catch (error) {
    if (!stopping.aborted) {
      log.warn("The model gave no summary; turns go on without the oldest entries", {
        sessionKey,
        model: model.id,
        messageId: message.id,
        error,
      });
    }
    return undefined;
  } finally {
    cancel();
    stopping.removeEventListener("abort", onStop);
  }
}

/** A summary as the model wrote it. */
interface SummaryAnswer {
  readonly text: string;
  readonly modelId: string;
}
