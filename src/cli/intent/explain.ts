/** `barnacle intent explain`: scores a text, and says why (I1). */

import { type IntentJudgement, judgeIntent } from "../../policy/intent/heads.ts";
import { createIntentTracker } from "../../policy/intent/tracker.ts";
import type { UserId } from "../../core/discord/ids.ts";
import type { CommonFlags } from "../shared/command.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { Io } from "../terminal/io.ts";

/** Options of `intent explain`. */
export interface ExplainFlags extends CommonFlags {
  /** The bot's message just before the text, to its author. */
  readonly after?: string;
  /** Seconds between both. */
  readonly pause: number;
  /** Someone else wrote the text. */
  readonly other: boolean;
}

const [BOT, ASKER, OTHER] = ["bot", "asker", "other"] as UserId[];

/** Scores a text in a conversation of at most two messages before it. */
export function explain(
  { json, after, pause, other }: ExplainFlags,
  text: string,
  io: Io,
): ExitCode {
  const judged = judge(text, { after, pause, other });
  if (json) {
    io.out(JSON.stringify(judged));
    return EXIT.done;
  }
  const { directed, room, needsReply, top } = judged;
  io.out(`for the bot            ${directed.toFixed(2)}`);
  io.out(`request to the room    ${room.toFixed(2)}`);
  io.out(`needs a reply          ${needsReply.toFixed(2)}`);
  for (const { name, part } of top) {
    io.out(`  ${part < 0 ? "−" : "+"}${Math.abs(part).toFixed(2)}  ${name}`);
  }
  return EXIT.done;
}

function judge(
  text: string,
  { after, pause, other }: Pick<ExplainFlags, "after" | "pause" | "other">,
): IntentJudgement {
  const [me, asker, author] = [BOT, ASKER, other ? OTHER : ASKER];
  if (!me || !asker || !author) throw new TypeError("A speaker has no id");
  const tracker = createIntentTracker({ me });
  if (after !== undefined) {
    tracker.push({ author: asker, text: "", at: 0, to: [me], beginsWithName: true });
    tracker.push({ author: me, text: after, at: 0, to: [asker], beginsWithName: false });
  }
  const at = pause * 1_000;
  return judgeIntent(tracker.features({ author, text, at, to: [], beginsWithName: false }));
}
