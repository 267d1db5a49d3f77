/**
 * Measures the intent filter on published conversations (I2).
 *
 * `deno run -A scripts/intent/evaluate.ts FOLDER…` reads logs in the format of irc-disentanglement,
 * and prints a table for each head. `--weights FILE` measures other weights than the shipped ones.
 *
 * Each person who answers others plays the bot in turn. A message of someone else is for the bot if it
 * answers a message of that person. Its text is read without that person's name, because the bot
 * answers a mention on Discord in any case. The classifier sees earlier messages only, and knows whom
 * that person answered, as a bot does.
 */

import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import type { UserId } from "../../src/core/discord/ids.ts";
import type { IntentFeatures } from "../../src/policy/intent/features.ts";
import { DEFAULT_THRESHOLD, judgeIntent } from "../../src/policy/intent/heads.ts";
import { createIntentTracker } from "../../src/policy/intent/tracker.ts";
import { checkIntentWeights, SHIPPED_WEIGHTS } from "../../src/policy/intent/weights.ts";
import { type IrcLog, type LoggedMessage, readIrcLogs, withoutName } from "./irc_logs.ts";
import { type LabelledScore, rankingQuality, thresholdQuality } from "./quality.ts";

/** Someone with fewer answers to others is no stand-in for a bot. */
const MIN_ANSWERS = 4;
/** Stands for a bot that says nothing. */
const NO_ONE = "" as UserId;

export type Head = "directed" | "needsReply" | "room";

/** Called with each sample of a head. */
export type Visit = (head: Head, features: IntentFeatures, label: boolean) => void;

export function visitLog(log: IrcLog, visit: Visit): void {
  const answered = answeredLines(log);
  visitRequests(log, answered, visit);
  for (const bot of standIns(log)) visitDirected(log, bot, answered, visit);
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

function visitDirected(
  { messages }: IrcLog,
  bot: UserId,
  answered: ReadonlySet<number>,
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
      const isDirected = authorsAnsweredBy(message).includes(bot);
      visit("directed", features, isDirected);
      if (isDirected) visit("needsReply", features, answered.has(message.line));
    }
    tracker.push(masked);
  }
}

/** A message is an open request if it begins a conversation, and someone answers it. */
function visitRequests({ messages }: IrcLog, answered: ReadonlySet<number>, visit: Visit): void {
  const tracker = createIntentTracker({ me: NO_ONE });
  for (const message of messages.values()) {
    if (message.answers) {
      const begins = message.answers.length === 0;
      visit("room", tracker.features(message), begins && answered.has(message.line));
    }
    tracker.push(message);
  }
}

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
  const { values: { weights: file }, positionals: folders } = parseArgs({
    options: { weights: { type: "string" } },
    allowPositionals: true,
  });
  const weights = file === undefined
    ? SHIPPED_WEIGHTS
    : checkIntentWeights(JSON.parse(readFileSync(file, "utf8")));
  const scores: Readonly<Record<Head, Map<string, LabelledScore[]>>> = {
    directed: new Map(),
    room: new Map(),
    needsReply: new Map(),
  };
  for (const log of folders.flatMap(readIrcLogs)) {
    visitLog(log, (head, features, label) => {
      const ofChannel = scores[head].get(log.channel) ?? [];
      scores[head].set(log.channel, ofChannel);
      ofChannel.push({ score: judgeIntent(features, weights)[head], label });
    });
  }
  console.log(
    "| head | channel | messages | positive | AUC | AP | P at 0.7 | R at 0.7 | fires on |",
  );
  console.log("| --- | --- | --- | --- | --- | --- | --- | --- | --- |");
  for (const [head, channels] of Object.entries(scores)) {
    for (const [channel, all] of channels) console.log(row(channel, head, all));
  }
}

if (import.meta.main) main();
