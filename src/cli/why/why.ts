/**
 * `barnacle why`: why the bot answered a message, or did not (P1).
 *
 * It reads the store beside a bot that may be running, asks Discord nothing, and changes nothing.
 *
 * @module
 */

import type { MessageId } from "../../core/discord/ids.ts";
import type { Store } from "../../store/store.ts";
import { type AccessNow, accessNow } from "../verdict/current_policy.ts";
import { accessIn } from "../verdict/rules_with_lines.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import { showFindings } from "../shared/findings.ts";
import type { CommonFlags } from "../shared/flags.ts";
import type { Io } from "../shared/io.ts";
import type { Shown } from "../verdict/checks.ts";
import { judgeAbsence } from "./no_record.ts";
import { evidenceOf } from "./evidence.ts";
import { reportOf } from "./report.ts";
import { parseSubject, type Subject } from "./subject.ts";
import { timeText, whyLines } from "./text.ts";
import { withStore } from "../shared/with_store.ts";

/** @param isColoured Whether stdout shows colours. */
export function why(
  flags: CommonFlags,
  asked: string,
  io: Io,
  isColoured: boolean,
): Promise<ExitCode> {
  const subject = parseSubject(asked);
  if (subject.kind === "problem") {
    io.err(
      `barnacle: ${subject.problem}; in Discord's developer mode a message's menu copies both`,
    );
    return Promise.resolve(EXIT.usage);
  }
  return withStore(flags, io, async (store, dataDir) => {
    const shown: Shown = { isColoured, cwd: io.cwd };
    const now = await accessNow(flags.config, io, store);
    if (now.kind === "refused") {
      io.err(
        "barnacle: the config is not right now, so only what is on record is shown; see " +
          "`barnacle config check`",
      );
    }
    const dossier = await store?.received.messageRecordOf(
      subject.kind === "failure"
        ? { failureId: subject.failureId }
        : { messageId: subject.messageId },
    );
    if (!dossier) {
      return subject.kind === "failure"
        ? unknownFailure(subject.failureId, flags, io)
        : await neverReceived(subject, { store, dataDir, now }, flags, io, shown);
    }
    const report = await reportOf(dossier, askedBy(subject, dossier.messageId), {
      viewsOf: (policy) => accessIn(policy, () => policy.names),
      ...(now.kind === "read" && { today: now }),
    });
    if (flags.json) io.out(JSON.stringify(report));
    else for (const line of whyLines(report, shown)) io.out(line);
    return EXIT.done;
  });
}

function askedBy(
  subject: Exclude<Subject, { kind: "problem" }>,
  messageId: MessageId,
): string | undefined {
  if (subject.kind === "failure") return `The failure ${subject.failureId}`;
  return subject.messageId === messageId
    ? undefined
    : `Our own message ${subject.messageId}, which answers it,`;
}

function unknownFailure(failureId: string, { json }: CommonFlags, io: Io): ExitCode {
  const why = `no turn on record has failed as ${failureId}`;
  if (json) io.out(JSON.stringify({ failureId, received: false, why }));
  else {
    io.err(
      `barnacle: ${why}; it may be of a Barnacle with other data (--data), and its log ` +
        "names the id as well",
    );
  }
  return EXIT.failed;
}

interface Here {
  readonly store: Store | undefined;
  readonly dataDir: string;
  readonly now: AccessNow;
}

async function neverReceived(
  subject: Extract<Subject, { kind: "message" }>,
  here: Here,
  { json }: CommonFlags,
  io: Io,
  { isColoured }: Shown,
): Promise<ExitCode> {
  const { messageId } = subject;
  const evidence = await evidenceOf(subject, here.store, here);
  const causes = judgeAbsence(evidence);
  const { sentAt } = evidence;
  if (json) {
    io.out(JSON.stringify({ messageId, received: false, sentAt, causes }));
  } else {
    io.out(
      `Never received: nothing is on record of ${messageId}, by its id of ${timeText(sentAt)}. ` +
        "What can be the cause:",
    );
    for (const line of showFindings(causes, isColoured)) io.out(line);
  }
  return EXIT.failed;
}
