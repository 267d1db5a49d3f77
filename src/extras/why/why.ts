/**
 * `barnacle why`: explains why the bot answered a message, or did not (P1). The argument is a message, or
 * the error id that the bot gave to a person (R11).
 *
 * It reads the store, beside a bot that may be running. It never asks Discord and changes nothing.
 */

import {
  type AccountId,
  createdAtMs,
  type MessageId,
  toAccountId,
} from "../../core/discord/ids.ts";
import { charsOf, FIRST_TOKENS_PER_CHAR, MAX_ENTRIES } from "../../session/history.ts";
import { knownChannels, parseSubject, type Subject } from "../../cli/verdict/named.ts";
import {
  accessIn,
  type AccessNow,
  accessNow,
  tellDefaults,
} from "../../cli/verdict/current_rules.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { printLines, showFindings } from "../../cli/shared/columns.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { timeText } from "../../lib/text/units.ts";
import { configBefore } from "../../cli/shared/find_data.ts";
import { withStore } from "../../cli/shared/with_store.ts";
import type { MessageRecord } from "../../store/messages/message_record.ts";
import type { Store } from "../../store/store.ts";
import { restoreIndex } from "../../discord/gateway/decode/guild_index.ts";
import { toIntents } from "../../discord/gateway/read/intents.ts";
import { DEFAULT_RETENTION } from "../../store/messages/retention.ts";
import { type AccountEvidence, type Evidence, judgeAbsence } from "./no_record.ts";
import { reportOf, type SessionNow, type Today, type WhyReport } from "./report.ts";
import { storyLines, whyLines } from "./text.ts";
import { lineOf, storedReceipts } from "../../flows/receipts/receipts.ts";
import { TOOLS } from "../../tools/registry.ts";
import { hookText, isEntry } from "../../core/hooks/hook.ts";
import type { FoundEvent } from "../../store/hooks/hooks.ts";
import { quoted } from "../../lib/text/quoted.ts";

/** Explains the message that a link or an id names. */
export function why(flags: CommonFlags, asked: string, io: Io): Promise<ExitCode> {
  const subject = parseSubject(asked);
  if (subject.kind === "problem") {
    io.problem(
      `${subject.problem}; with Discord's developer mode on, a message's menu copies both`,
    );
    return Promise.resolve(EXIT.usage);
  }
  return withStore(flags, io, async (store, { dataDir }) => {
    const now = await accessNow(await configBefore(flags, io), io, store);
    if (now.kind === "refused") {
      io.problem(
        "the current config is invalid, so only recorded decisions are shown; see " +
          "`barnacle config check`",
      );
    } else tellDefaults(now, io);
    const isKnown = await store.messages.messageRecordOf(subject) !== undefined;
    const find = async (isAbout?: true) =>
      subject.kind === "message" ? await store.hooks.find(subject.messageId, isAbout) : undefined;
    const about = await find(true);
    const event = await find() ?? (isKnown ? undefined : about);
    const asked = event?.run && subject.kind === "message"
      ? { ...subject, messageId: event.run.messageId }
      : subject;
    const today = now.kind === "read"
      ? { ...now, currency: now.config.models.currency }
      : undefined;
    const found = await recordedReport(store, asked, today);
    if (event) {
      const hookEvent = hookEventReport(event);
      if (flags.json) io.out(JSON.stringify({ ...found?.report, hookEvent }));
      else {
        const { report } = found ?? {};
        // A post of the template has no turn, so it never had a decision.
        const isPost = report?.decisions.length === 0 && !report.turn;
        const story = report && (isPost ? storyLines(report) : whyLines(report, io));
        const lines = [...hookEventLines(event), ...story ?? []];
        printLines(lines, io);
      }
      return EXIT.done;
    }
    if (!found) {
      return subject.kind === "failure"
        ? unknownFailure(subject.failureId, flags, io)
        : await neverReceived(subject, { store, dataDir, now }, flags, io);
    }
    const { report } = found;
    const hookEvent = about && hookEventReport(about);
    if (flags.json) io.out(JSON.stringify({ ...report, hookEvent }));
    else printLines([...whyLines(report, io), ...about ? hookEventLines(about) : []], io);
    return EXIT.done;
  });
}

/**
 * Reads the record of a message, and the report on it.
 *
 * @param today The current rules; absent: the report has no verdict of today.
 * @returns `undefined` if nothing is on record.
 */
export async function recordedReport(
  store: Store,
  subject: Exclude<Subject, { kind: "problem" }>,
  today?: Today,
): Promise<{ readonly record: MessageRecord; readonly report: WhyReport } | undefined> {
  const record = await store.messages.messageRecordOf(
    subject.kind === "failure"
      ? { failureId: subject.failureId }
      : { messageId: subject.messageId },
  );
  if (!record) return undefined;
  const turnOf = record.turn?.turnOf ?? record.messageId;
  const steps = await store.turns.stepsOf(turnOf);
  const [place] = [...record.decisions, ...record.outbox];
  const receipts = place &&
    lineOf(await storedReceipts({ accountId: place.accountId, store }, TOOLS, turnOf, place));
  const about = { askedBy: askedBy(subject, record.messageId), receipts };
  const report = await reportOf(record, steps, about, {
    sessionOf: (sessionKey) => sessionNow(store, sessionKey),
    guildOf: async (accountId, channelId) =>
      (await knownChannels(store, [accountId])).find(({ id }) => id === channelId)?.guildId,
    viewsOf: (policy) => accessIn(policy, () => policy.names),
    today,
  });
  return { record, report };
}

/** The session as it is now, with the estimate of a model without counted tokens. */
async function sessionNow({ sessions, turns }: Store, sessionKey: string): Promise<SessionNow> {
  const entries = await turns.entriesOf(sessionKey, MAX_ENTRIES);
  const folded = await sessions.foldedOf(sessionKey);
  return {
    entries: entries.length,
    tokens: Math.round((charsOf(entries) + folded.summaryChars) * FIRST_TOKENS_PER_CHAR),
    folded,
  };
}

function askedBy(
  subject: Exclude<Subject, { kind: "problem" }>,
  messageId: MessageId,
): string | undefined {
  if (subject.kind === "failure") return `Error ${subject.failureId}`;
  return subject.messageId === messageId ? undefined : `The bot's answer ${subject.messageId}`;
}

function unknownFailure(failureId: string, { json }: CommonFlags, io: Io): ExitCode {
  const why = `no recorded turn failed with error id ${failureId}`;
  if (json) io.out(JSON.stringify({ failureId, received: false, why }));
  else {
    io.problem(
      `${why}; check --data: the error may be of a bot with other data; look for the id in the log`,
    );
  }
  return EXIT.failed;
}

async function neverReceived(
  subject: Extract<Subject, { kind: "message" }>,
  here: { readonly store: Store; readonly dataDir: string; readonly now: AccessNow },
  { json }: CommonFlags,
  io: Io,
): Promise<ExitCode> {
  const { messageId } = subject;
  const evidence = await evidenceOf(subject, here.store, here);
  const causes = judgeAbsence(evidence);
  const { sentAt } = evidence;
  if (json) {
    io.out(JSON.stringify({ messageId, received: false, sentAt, causes }));
  } else {
    io.out(
      `Never received: no record of message ${messageId}, sent ${timeText(sentAt)}. ` +
        "Possible causes:",
    );
    printLines(showFindings(causes, io.style), io);
  }
  return EXIT.failed;
}

/** Reads the facts from the store. */
async function evidenceOf(
  { messageId, place }: Extract<Subject, { kind: "message" }>,
  store: Store,
  { dataDir, now }: { readonly dataDir: string; readonly now: AccessNow },
): Promise<Evidence> {
  const sentAt = createdAtMs(messageId);
  const runs = await store.gateway.runsAround(sentAt);
  return {
    sentAt,
    now: Date.now(),
    runs,
    accounts: await accountsOf(store, now),
    place,
    decisionsDays: now.kind === "read"
      ? now.config.store.retention.decisionsDays
      : DEFAULT_RETENTION.decisionsDays,
    dataDir,
  };
}

async function accountsOf(store: Store, now: AccessNow): Promise<readonly AccountEvidence[]> {
  const ids = now.kind === "read" ? now.views.map(({ accountId }) => accountId) : [];
  const accounts: AccountEvidence[] = [];
  for (const accountId of ids.length > 0 ? ids : [toAccountId("default")]) {
    accounts.push(await accountOf(accountId, store));
  }
  return accounts;
}

async function accountOf(accountId: AccountId, store: Store): Promise<AccountEvidence> {
  const { intents, shards } = await store.gateway.loadAccount(accountId);
  const { index } = restoreIndex(await store.gateway.guildsOf(accountId));
  const gaps = shards.flatMap(({ catchUpFrom }) => catchUpFrom === undefined ? [] : [catchUpFrom]);
  const lastEvents = shards.map(({ aliveAt }) => aliveAt);
  const asksFor = (name: string): boolean =>
    intents !== undefined && (intents & toIntents([name]).bits) !== 0;
  return {
    accountId,
    intents: intents !== undefined
      ? { guildMessages: asksFor("guild_messages"), directMessages: asksFor("direct_messages") }
      : undefined,
    gapSince: gaps.length > 0 ? Math.min(...gaps) : undefined,
    heardAt: lastEvents.length > 0 ? Math.min(...lastEvents) : undefined,
    guilds: Array.from(index.values(), ({ id, name, channels }) => ({
      id,
      name,
      channels: new Set(channels.keys()),
    })),
  };
}

/** The facts of an event, without its words. */
function hookEventReport({ event, run }: FoundEvent): object {
  const { messageId, hook, key, senderId, receivedAt, isEnd } = event;
  return { messageId, hook, key, senderId, receivedAt, isEnd, run };
}

function hookEventLines(
  { event: { messageId, hook, key, receivedAt }, run }: FoundEvent,
): readonly string[] {
  const ofKey = key === "" || isEntry(hook) ? "" : `, of the incident ${quoted(key)}`;
  const lines = [
    `Event ${messageId} of ${hookText(hook)}${ofKey}, received ${timeText(receivedAt)}`,
  ];
  if (!run) {
    return [
      ...lines,
      "  It waits: for the rate, an answer under way, or its account to be online.",
    ];
  }
  const { count, messageId: runId, state, reason } = run;
  if (count > 1) lines.push(`  Answered together with ${count - 1} others, as ${runId}.`);
  lines.push(`  ${STATES[state]}${reason === undefined ? "" : `: ${reason}`}.`);
  return lines;
}

const STATES: Readonly<Record<NonNullable<FoundEvent["run"]>["state"], string>> = {
  claimed: "Its answer begins now, or after the next start",
  running: "Its turn waits or runs",
  done: "It is answered",
  refused: "It reached no one",
};
