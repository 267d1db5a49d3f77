/**
 * `barnacle why`: explains why the bot answered a message, or did not (P1).
 *
 * It reads the store, beside a bot that may be running. It never asks Discord and changes nothing.
 *
 * @module
 */

import type { MessageId } from "../../core/discord/ids.ts";
import { charsOf, FIRST_TOKENS_PER_CHAR, MAX_ENTRIES } from "../../session/history.ts";
import { type AccessNow, accessNow, tellDefaults } from "../verdict/current_policy.ts";
import { accessIn } from "../verdict/rules_with_lines.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import { showFindings } from "../shared/findings.ts";
import type { CommonFlags } from "../shared/flags.ts";
import type { Io } from "../terminal/io.ts";
import { judgeAbsence } from "./no_record.ts";
import { evidenceOf } from "./evidence.ts";
import { reportOf, type SessionNow } from "./report.ts";
import { parseSubject, type Subject } from "./subject.ts";
import { timeText } from "../../lib/text/units.ts";
import { whyLines } from "./text.ts";
import { withStore } from "../shared/with_store.ts";
import type { Store } from "../../core/store/store.ts";

/** Explains the message that a link or an id names. */
export function why(flags: CommonFlags, asked: string, io: Io): Promise<ExitCode> {
  const subject = parseSubject(asked);
  if (subject.kind === "problem") {
    io.problem(
      `${subject.problem}; with Discord's developer mode on, a message's menu copies both`,
    );
    return Promise.resolve(EXIT.usage);
  }
  return withStore(flags, io, async (store, dataDir) => {
    const now = await accessNow(flags.config, io, store);
    if (now.kind === "refused") {
      io.problem(
        "the current config is invalid, so only recorded decisions are shown; see " +
          "`barnacle config check`",
      );
    } else tellDefaults(now, io);
    const record = await store.received.messageRecordOf(
      subject.kind === "failure"
        ? { failureId: subject.failureId }
        : { messageId: subject.messageId },
    );
    if (!record) {
      return subject.kind === "failure"
        ? unknownFailure(subject.failureId, flags, io)
        : await neverReceived(subject, { store, dataDir, now }, flags, io);
    }
    const steps = await store.turns.stepsOf(record.turn?.turnOf ?? record.messageId);
    const report = await reportOf(record, steps, askedBy(subject, record.messageId), {
      sessionOf: (sessionKey) => sessionNow(store, sessionKey),
      viewsOf: (policy) => accessIn(policy, () => policy.names),
      today: now.kind === "read" ? now : undefined,
    });
    if (flags.json) io.out(JSON.stringify(report));
    else for (const line of whyLines(report, io)) io.out(line);
    return EXIT.done;
  });
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
      `${why}; check --data: the error may be of a bot with other data, whose log has the id, too`,
    );
  }
  return EXIT.failed;
}

interface Here {
  readonly store: Store;
  readonly dataDir: string;
  readonly now: AccessNow;
}

async function neverReceived(
  subject: Extract<Subject, { kind: "message" }>,
  here: Here,
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
    for (const line of showFindings(causes, io.style)) io.out(line);
  }
  return EXIT.failed;
}
