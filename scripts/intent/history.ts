/**
 * Measures the intent filter on the history of a bot, and proposes a threshold (I2).
 *
 * `deno run -A scripts/intent/history.ts DATA_DIRECTORY [THRESHOLD]` reads the store, beside a running
 * bot too, and prints precision and recall of each threshold. THRESHOLD is the one in use.
 *
 * Labels follow from deeds, not from words: a message that addressed the bot is for it, and one that
 * another person answered is not. If the bot answered a message that did not address it, people's
 * outcomes tell. All other messages have no label: the filter's own decisions must not confirm it.
 * Nothing of the history leaves the machine, and no weight is trained on it.
 */

import process from "node:process";
import { intentWeightsIn } from "../../src/bot/rules/intent_weights.ts";
import { EXIT } from "../../src/cli/shared/exit_code.ts";
import { withStore } from "../../src/cli/shared/with_store.ts";
import { createProcessIo } from "../../src/cli/terminal/io.ts";
import type { AccountId, ChannelId, MessageId, UserId } from "../../src/core/discord/ids.ts";
import type { TalkedMessage } from "../../src/store/messages/messages.ts";
import type { Store } from "../../src/store/store.ts";
import { toIntentMessage } from "../../src/flows/intent/channel_state.ts";
import { DEFAULT_THRESHOLD, judgeIntent } from "../../src/policy/intent/heads.ts";
import { createIntentTracker, type IntentMessage } from "../../src/policy/intent/tracker.ts";
import type { IntentWeights } from "../../src/policy/intent/weights.ts";
import { type LabelledScore, thresholdQuality } from "./quality.ts";

/** A message, and whether it is for the bot. */
interface LabelledMessage extends IntentMessage {
  /** Each channel is a conversation of its own. */
  readonly channel: string;
  /** Absent if no one knows. */
  readonly label?: boolean;
}

/** A person who addresses another one this soon answers that one's newest message. */
const ANSWERED_WITHIN_MS = 5 * 60_000;
/** Newest messages of each kind that are read. */
const MAX_MESSAGES = 20_000;

/** Fewer labels, or fewer messages for the bot, tell nothing about a threshold. */
const MIN_LABELS = 200;
const MIN_POSITIVES = 20;
/** The newest part of the labels checks a threshold that the others chose. */
const HELD_OUT = 0.2;
/** A smaller gain may be chance. */
const MIN_GAIN = 0.01;
const THRESHOLDS = Array.from({ length: 14 }, (_, step) => (30 + 5 * step) / 100);

/**
 * Labels messages.
 *
 * @param talk Oldest first.
 * @param outcomes By the bot's message, whether people wanted it.
 */
export function labelHistory(
  talk: readonly TalkedMessage[],
  me: UserId,
  outcomes: ReadonlyMap<string, boolean>,
): readonly LabelledMessage[] {
  const labels = new Map<MessageId, boolean>();
  for (const one of talk) {
    const outcome = one.kind === "own" ? outcomes.get(one.id) : undefined;
    if (one.kind === "own" && one.answers && outcome !== undefined) {
      labels.set(one.answers, outcome);
    }
  }
  const authors = new Map<MessageId, UserId>();
  const people = new Map<ChannelId, Map<string, UserId>>();
  const newest = new Map<string, { readonly id: MessageId; readonly at: number }>();
  const messages = talk.map((one) => {
    const { id, channelId, text, sentAt: at } = one;
    const channel: string = channelId;
    if (one.kind === "own") {
      authors.set(id, me);
      const to = one.to ? [one.to] : [];
      return { id, author: me, text, at, to, beginsWithName: false, channel };
    }
    authors.set(id, one.sender.id);
    const known = people.get(channelId) ?? new Map<string, UserId>();
    people.set(channelId, known.set(one.sender.username.toLowerCase(), one.sender.id));
    const author = one.replyTo && authors.get(one.replyTo);
    const quoted = author && { author: { id: author } };
    const message = toIntentMessage({ ...one, quoted }, me, known);
    if (message.to.includes(me)) labels.set(id, true);
    for (const person of message.to.filter((to) => to !== me && to !== one.sender.id)) {
      const before = newest.get(`${channel} ${person}`);
      const isReply = one.replyTo !== undefined && author === person;
      const answered = isReply
        ? one.replyTo
        : before && at - before.at < ANSWERED_WITHIN_MS
        ? before.id
        : undefined;
      if (answered !== undefined && !labels.has(answered)) labels.set(answered, false);
    }
    newest.set(`${channel} ${one.sender.id}`, { id, at });
    return { ...message, id, channel };
  });
  return messages.map(({ id, ...message }) => ({ ...message, label: labels.get(id) }));
}

/**
 * Scores the messages with a label, in their order. One that addresses the bot is scored as if it did
 * not: a mention needs no filter.
 */
export function scoresOf(
  messages: readonly LabelledMessage[],
  me: UserId,
  weights?: IntentWeights,
): readonly LabelledScore[] {
  const trackers = new Map<string, ReturnType<typeof createIntentTracker>>();
  const scores: LabelledScore[] = [];
  for (const message of messages) {
    const { channel, author, label } = message;
    const tracker = trackers.get(channel) ?? createIntentTracker({ me });
    trackers.set(channel, tracker);
    if (author !== me && label !== undefined) {
      const to = message.to.filter((one) => one !== me);
      const { directed } = judgeIntent(tracker.features({ ...message, to }), weights);
      scores.push({ score: directed, label });
    }
    tracker.push(message);
  }
  return scores;
}

/**
 * Chooses the best threshold for the older scores, and checks it on the newest.
 *
 * @param scores In the order of time.
 * @returns The current one if no other is better, `undefined` if there are too few labels.
 */
export function proposeThreshold(
  scores: readonly LabelledScore[],
  current: number,
): number | undefined {
  const positives = scores.filter(({ label }) => label).length;
  if (scores.length < MIN_LABELS || positives < MIN_POSITIVES) return undefined;
  const cut = Math.floor(scores.length * (1 - HELD_OUT));
  const [older, newest] = [scores.slice(0, cut), scores.slice(cut)];
  const best = THRESHOLDS.reduce(
    (best, one) => carefulQuality(older, one) > carefulQuality(older, best) ? one : best,
    current,
  );
  const gain = carefulQuality(newest, best) - carefulQuality(newest, current);
  return gain >= MIN_GAIN ? best : current;
}

/** The F0.5 score: an answer that no one wanted counts more than a missing one. */
function carefulQuality(scores: readonly LabelledScore[], threshold: number): number {
  const { precision, recall } = thresholdQuality(scores, threshold);
  return (1.25 * precision * recall) / (0.25 * precision + recall || 1);
}

/** Reads, labels and scores the history of an account. */
async function scoresOfAccount(
  { gateway, messages, settings }: Store,
  accountId: AccountId,
  weights: IntentWeights,
): Promise<readonly LabelledScore[]> {
  const { self } = await gateway.loadAccount(accountId);
  if (!self) return [];
  const talk = await messages.recentTalk(accountId, 0, MAX_MESSAGES);
  const outcomes = new Map<string, boolean>();
  for (const channelId of new Set(talk.map((one) => one.channelId))) {
    const stored = settings.known(accountId, channelId, "intent");
    for (const [of, outcome] of JSON.parse(stored ?? "{}").outcomes ?? []) {
      outcomes.set(of, outcome === "good");
    }
  }
  return scoresOf(labelHistory(talk, self.userId, outcomes), self.userId, weights);
}

async function main(data: string, current: number): Promise<void> {
  const io = createProcessIo({ json: false });
  process.exitCode = await withStore({ data }, io, async (store, { dataDir }) => {
    const { weights, problem } = intentWeightsIn(dataDir);
    if (problem !== undefined) io.err(problem);
    const scores: LabelledScore[] = [];
    for (const accountId of await store.gateway.accountIds()) {
      scores.push(...await scoresOfAccount(store, accountId, weights));
    }
    io.out(`${scores.length} labels, ${scores.filter(({ label }) => label).length} for the bot`);
    for (const threshold of THRESHOLDS) {
      const { precision, recall } = thresholdQuality(scores, threshold);
      io.out(`${threshold}: precision ${precision.toFixed(2)}, recall ${recall.toFixed(2)}`);
    }
    const proposal = proposeThreshold(scores, current);
    io.out(
      proposal === undefined ? "Too few labels for a proposal" : `Best threshold: ${proposal}`,
    );
    return EXIT.done;
  });
}

if (import.meta.main) {
  await main(process.argv[2] ?? "data", Number(process.argv[3] ?? DEFAULT_THRESHOLD));
}
