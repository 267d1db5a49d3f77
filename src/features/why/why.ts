/**
 * `barnacle why`: explains why the bot answered a message, or did not (P1). The argument is a message, or
 * the error id that the bot gave to a person (R11).
 *
 * It reads the store, beside a bot that may be running. It never asks Discord and changes nothing.
 */

import { type AccountId, createdAtMs, toAccountId } from "../../core/discord/ids.ts";
import { parseSubject, type Subject } from "../../cli/verdict/named.ts";
import { type AccessNow, accessNow, tellDefaults } from "../../cli/verdict/current_rules.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { printLines, showFindings } from "../../cli/shared/columns.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { timeText } from "../../lib/text/units.ts";
import { configBefore } from "../../cli/shared/find_data.ts";
import { withStore } from "../../cli/shared/with_store.ts";
import type { Store } from "../../store/store.ts";
import { restoreIndex } from "../../discord/gateway/decode/guild_index.ts";
import { toIntents } from "../../discord/gateway/read/intents.ts";
import { DEFAULT_RETENTION } from "../../store/store.ts";
import { type AccountEvidence, type Evidence, judgeAbsence } from "./no_record.ts";
import { recordedReport } from "./report.ts";
import { storyLines, whyLines } from "./text.ts";
import { hookText, isEntry } from "../../core/hooks/hook.ts";
import type { FoundEvent } from "../hooks/store.ts";
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
    const found = await recordedReport(store, asked, now.kind === "read" ? now : undefined);
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
  const { intents, connection } = await store.gateway.loadAccount(accountId);
  const { index } = restoreIndex(await store.gateway.guildsOf(accountId));
  const asksFor = (name: string): boolean =>
    intents !== undefined && (intents & toIntents([name]).bits) !== 0;
  return {
    accountId,
    intents: intents !== undefined
      ? { guildMessages: asksFor("guild_messages"), directMessages: asksFor("direct_messages") }
      : undefined,
    gapSince: connection?.catchUpFrom,
    heardAt: connection?.aliveAt,
    guilds: Array.from(index.values(), ({ id, name, channels }) => ({
      id,
      name,
      channels: new Set(channels.keys()),
    })),
  };
}

/** The facts of an event, without its words. */
function hookEventReport({ event, run }: FoundEvent): object {
  const { messageId, accountId, hook, key, senderId, receivedAt, isEnd } = event;
  return { messageId, accountId, hook, key, senderId, receivedAt, isEnd, run };
}

function hookEventLines(
  { event: { messageId, accountId, hook, key, receivedAt }, run }: FoundEvent,
): readonly string[] {
  const ofKey = key === "" || isEntry(hook) ? "" : `, of the incident ${quoted(key)}`;
  const lines = [
    `Event ${messageId} of ${hookText(hook)}${ofKey}, received ${timeText(receivedAt)}`,
    `  The account ${accountId} answers it.`,
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
