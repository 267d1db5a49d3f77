/** `barnacle intent explain`: the scores of a message on record, or of a text, and why (I1). */

import { judgeIntent } from "../../policy/intent/heads.ts";
import { createIntentTracker } from "../../policy/intent/tracker.ts";
import { intentWeightsIn } from "../../bot/rules/intent_weights.ts";
import type { IntentWeights } from "../../policy/intent/weights.ts";
import type { UserId } from "../../core/discord/ids.ts";
import type { IntentFacts } from "../../core/inbound/intent.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { withStore } from "../../cli/shared/with_store.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { dataDirOf } from "../../cli/shared/store_access.ts";
import { parseSubject } from "../../cli/verdict/subject.ts";

export interface ExplainFlags extends CommonFlags {
  /** The bot's message just before the text, to its author. */
  readonly after?: string;
  /** Seconds between both. */
  readonly pause: number;
  /** Someone else wrote the text. */
  readonly other: boolean;
}

const [BOT, ASKER, OTHER] = ["bot", "asker", "other"] as [UserId, UserId, UserId];

/** Explains a message by its link or id, or a text as if someone wrote it. */
export function explain(flags: ExplainFlags, asked: string, io: Io): Promise<ExitCode> {
  const subject = parseSubject(asked);
  if (subject.kind !== "message") {
    const { weights, problem } = intentWeightsIn(dataDirOf(flags.data, io));
    if (problem !== undefined) io.err(`Using the shipped weights: ${problem}`);
    print(scoresOfText(asked, flags, weights), flags, io);
    return Promise.resolve(EXIT.done);
  }
  return withStore(flags, io, async ({ messages }) => {
    const { messageId } = subject;
    const record = await messages.messageRecordOf({ messageId });
    const scores = record?.decisions.map(({ facts }) => facts?.knownFacts.intent)
      .find((facts) => facts !== undefined);
    if (scores) {
      print(scores, flags, io);
      return EXIT.done;
    }
    io.problem(
      record
        ? `the intent filter gave no score to ${messageId}; see \`barnacle why ${messageId}\``
        : `no record of ${messageId}`,
    );
    return EXIT.failed;
  });
}

/** The scores of a text in a conversation of at most two messages before it. */
function scoresOfText(
  text: string,
  { after, pause, other }: ExplainFlags,
  weights: IntentWeights,
): Scores {
  const tracker = createIntentTracker({ me: BOT });
  if (after !== undefined) {
    tracker.push({ author: ASKER, text: "", at: 0, to: [BOT], beginsWithName: true });
    tracker.push({ author: BOT, text: after, at: 0, to: [ASKER], beginsWithName: false });
  }
  const author = other ? OTHER : ASKER;
  const at = pause * 1_000;
  const { directed: score, ...rest } = judgeIntent(
    tracker.features({ author, text, at, to: [], beginsWithName: false }),
    weights,
  );
  return { score, ...rest };
}

type Scores = Pick<IntentFacts, "score" | "room" | "needsReply" | "top">;

function print({ score, room, needsReply, top = [] }: Scores, { json }: CommonFlags, io: Io): void {
  if (json) {
    io.out(JSON.stringify({ score, room, needsReply, top }));
    return;
  }
  io.out(`for the bot            ${score.toFixed(2)}`);
  io.out(`request to the channel ${room.toFixed(2)}`);
  io.out(`needs a reply          ${needsReply.toFixed(2)}`);
  for (const { name, part } of top) {
    io.out(`  ${part < 0 ? "−" : "+"}${Math.abs(part).toFixed(2)}  ${name}`);
  }
}
