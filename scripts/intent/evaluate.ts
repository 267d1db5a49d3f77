/**
 * Measures the intent filter on published conversations (I2).
 *
 * `deno run -A scripts/intent/evaluate.ts FOLDER…` reads logs in the format of irc-disentanglement,
 * and prints a table for each head. `--typical` prints the mean of each feature, for
 * `src/policy/intent/weights.json`.
 *
 * Each person who answers others plays the bot in turn. A message of someone else is for the bot if it
 * answers a message of that person. Its text is read without that person's name, because the bot
 * answers a mention on Discord in any case. The classifier sees earlier messages only, and knows whom
 * that person answered, as a bot does.
 */

import process from "node:process";
import type { UserId } from "../../src/core/discord/ids.ts";
import type { FeatureName, IntentFeatures } from "../../src/policy/intent/features.ts";
import { DEFAULT_THRESHOLD, judgeIntent } from "../../src/policy/intent/heads.ts";
import {
  type LabelledScore,
  rankingQuality,
  thresholdQuality,
} from "../../src/policy/intent/quality.ts";
import { createIntentTracker } from "../../src/policy/intent/tracker.ts";
import { type IrcLog, type LoggedMessage, readIrcLogs, withoutName } from "./irc_logs.ts";

/** Someone with fewer answers to others is no stand-in for a bot. */
const MIN_ANSWERS = 4;
/** Stands for a bot that says nothing. */
const NO_ONE = "" as UserId;

/** Scores of the three heads, with labels. */
interface Scores {
  readonly directed: LabelledScore[];
  readonly needsReply: LabelledScore[];
  readonly room: LabelledScore[];
}

/** Called with each scored message. */
type Visit = (features: IntentFeatures) => void;

/** Scores all messages of a log. */
export function scoreLog(log: IrcLog, visit: Visit = () => {}): Scores {
  const scores: Scores = { directed: [], needsReply: [], room: [] };
  const answered = answeredLines(log);
  scoreRoom(log, answered, scores);
  for (const bot of standIns(log)) scoreDirected(log, bot, answered, scores, visit);
  return scores;
}

/** People with enough answers to others. */
function standIns({ messages }: IrcLog): readonly UserId[] {
  const answers = new Map<UserId, number>();
  for (const { author, answers: lines } of messages.values()) {
    for (const line of lines ?? []) {
      const to = messages.get(line)?.author;
      if (to !== undefined && to !== author) answers.set(author, (answers.get(author) ?? 0) + 1);
    }
  }
  return [...answers].filter(([, count]) => count >= MIN_ANSWERS).map(([author]) => author);
}

/** Lines that someone else answers. */
function answeredLines({ messages }: IrcLog): ReadonlySet<number> {
  const lines = new Set<number>();
  for (const { author, answers } of messages.values()) {
    for (const line of answers ?? []) if (messages.get(line)?.author !== author) lines.add(line);
  }
  return lines;
}

function scoreDirected(
  { messages }: IrcLog,
  bot: UserId,
  answered: ReadonlySet<number>,
  scores: Scores,
  visit: Visit,
): void {
  const tracker = createIntentTracker({ me: bot });
  const authorsAnsweredBy = (message: LoggedMessage) =>
    (message.answers ?? []).map((line) => messages.get(line)?.author)
      .filter((author) => author !== undefined);
  let hasSpoken = false;
  for (const message of messages.values()) {
    if (message.author === bot) {
      hasSpoken = true;
      const to = new Set([...message.to, ...authorsAnsweredBy(message)]);
      tracker.push({ ...message, to: [...to] });
      continue;
    }
    const masked = withoutName(message, bot);
    if (hasSpoken && message.answers) {
      const features = tracker.features(masked);
      visit(features);
      const { directed, needsReply } = judgeIntent(features);
      const isDirected = authorsAnsweredBy(message).includes(bot);
      scores.directed.push({ score: directed, label: isDirected });
      if (isDirected) {
        scores.needsReply.push({ score: needsReply, label: answered.has(message.line) });
      }
    }
    tracker.push(masked);
  }
}

/** A message is an open request if it begins a conversation, and someone answers it. */
function scoreRoom({ messages }: IrcLog, answered: ReadonlySet<number>, scores: Scores): void {
  const tracker = createIntentTracker({ me: NO_ONE });
  for (const message of messages.values()) {
    if (message.answers) {
      const { room } = judgeIntent(tracker.features(message));
      const begins = message.answers.length === 0;
      scores.room.push({ score: room, label: begins && answered.has(message.line) });
    }
    tracker.push(message);
  }
}

/** One row of the table. */
function row(channel: string, head: string, scores: readonly LabelledScore[]): string {
  const { count, positives, auc, averagePrecision } = rankingQuality(scores);
  const { precision, recall, share } = thresholdQuality(scores, DEFAULT_THRESHOLD);
  const percent = (part: number) => `${(part * 100).toFixed(1)} %`;
  return `| ${
    [
      head,
      channel,
      count,
      percent(positives / count),
      auc.toFixed(3),
      averagePrecision.toFixed(3),
      precision.toFixed(2),
      recall.toFixed(2),
      percent(share),
    ].join(" | ")
  } |`;
}

function main(): void {
  const folders = process.argv.slice(2).filter((word) => !word.startsWith("--"));
  const sums = new Map<string, number>();
  let count = 0;
  const channels = Map.groupBy(folders.flatMap(readIrcLogs), ({ channel }) => channel);
  const all = [...channels].map(([channel, logs]) => ({
    channel,
    scores: logs.map((log) =>
      scoreLog(log, (features) => {
        count++;
        for (const [name, value] of Object.entries(features)) {
          sums.set(name, (sums.get(name) ?? 0) + value);
        }
      })
    ),
  }));
  if (process.argv.includes("--typical")) {
    const means = [...sums].map(([name, sum]) => [name, Number((sum / count).toFixed(3))]);
    const typical: Record<FeatureName, number> = Object.fromEntries(means);
    console.log(JSON.stringify(typical, null, 2));
    return;
  }
  console.log(
    "| head | channel | messages | positive | AUC | AP | P at 0.7 | R at 0.7 | fires on |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
  for (const head of ["directed", "room", "needsReply"] as const) {
    for (const { channel, scores } of all) {
      console.log(row(channel, head, scores.flatMap((one) => one[head])));
    }
  }
}

if (import.meta.main) main();
