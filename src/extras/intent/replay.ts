/** Plays labelled conversations to the intent filter, to measure it and to choose a threshold (I2). */

import type { UserId } from "../../core/discord/ids.ts";
import { judgeIntent } from "../../policy/intent/heads.ts";
import { type LabelledScore, thresholdQuality } from "./quality.ts";
import type { IntentWeights } from "../../policy/intent/weights.ts";
import { createIntentTracker, type IntentMessage } from "../../policy/intent/tracker.ts";

/** A message whose intent is known, or one between such messages. */
export interface LabelledMessage extends IntentMessage {
  /** Each channel is a conversation of its own. */
  readonly channel: string;
  /** Whether it is for the bot; absent if no one knows. */
  readonly label?: boolean;
  /** Whether it is an open request to the whole channel. */
  readonly room?: boolean;
  /** Whether it needs an answer in words, if it is for the bot. */
  readonly needsReply?: boolean;
}

/** Scores with labels, in the order of the messages. */
export interface ReplayedScores {
  readonly directed: readonly LabelledScore[];
  readonly room: readonly LabelledScore[];
  readonly needsReply: readonly LabelledScore[];
}

/**
 * Scores messages in their order.
 *
 * A message that addresses the bot visibly is scored as if it did not, because a mention needs no
 * filter. So each of them is an example of a message for the bot.
 *
 * @param me The author of the bot's messages.
 */
export function replay(
  messages: Iterable<LabelledMessage>,
  me: UserId,
  weights?: IntentWeights,
): ReplayedScores {
  const trackers = new Map<string, ReturnType<typeof createIntentTracker>>();
  const scores = {
    directed: [] as LabelledScore[],
    room: [] as LabelledScore[],
    needsReply: [] as LabelledScore[],
  };
  for (const message of messages) {
    const { channel, author, label, room, needsReply } = message;
    const tracker = trackers.get(channel) ?? createIntentTracker({ me });
    trackers.set(channel, tracker);
    if (author !== me && (label ?? room ?? needsReply) !== undefined) {
      const to = message.to.filter((one) => one !== me);
      const judged = judgeIntent(tracker.features({ ...message, to }), weights);
      if (label !== undefined) scores.directed.push({ score: judged.directed, label });
      if (room !== undefined) scores.room.push({ score: judged.room, label: room });
      if (needsReply !== undefined) {
        scores.needsReply.push({ score: judged.needsReply, label: needsReply });
      }
    }
    tracker.push(message);
  }
  return scores;
}

/** Fewer labels tell nothing about a threshold. */
export const MIN_LABELS = 200;
/** Fewer messages for the bot, likewise. */
export const MIN_POSITIVES = 20;
/** The newest part of the labels checks a threshold that the others chose. */
const HELD_OUT = 0.2;
const LOWEST = 0.3;
const HIGHEST = 0.95;
const STEP = 0.05;
/** A smaller gain may be chance. */
const MIN_GAIN = 0.01;

/** A threshold for an owner's own conversations. */
export type ThresholdProposal =
  | { readonly kind: "too-few"; readonly labels: number; readonly positives: number }
  /** No other threshold is better on the newest messages. */
  | { readonly kind: "keep"; readonly gain: number; readonly best: number }
  | { readonly kind: "change"; readonly gain: number; readonly threshold: number };

/**
 * Chooses the threshold with the best quality on the older messages, and checks it on the newest.
 *
 * @param scores In the order of time.
 */
export function proposeThreshold(
  scores: readonly LabelledScore[],
  current: number,
): ThresholdProposal {
  const positives = scores.filter(({ label }) => label).length;
  if (scores.length < MIN_LABELS || positives < MIN_POSITIVES) {
    return { kind: "too-few", labels: scores.length, positives };
  }
  const cut = Math.floor(scores.length * (1 - HELD_OUT));
  const [older, newest] = [scores.slice(0, cut), scores.slice(cut)];
  let best = current;
  for (let threshold = LOWEST; threshold <= HIGHEST + STEP / 2; threshold += STEP) {
    const rounded = Math.round(threshold * 100) / 100;
    if (carefulQuality(older, rounded) > carefulQuality(older, best)) best = rounded;
  }
  const gain = carefulQuality(newest, best) - carefulQuality(newest, current);
  return gain >= MIN_GAIN
    ? { kind: "change", gain, threshold: best }
    : { kind: "keep", gain, best };
}

/** The F0.5 score: an answer that no one wanted counts more than a missing one. */
function carefulQuality(scores: readonly LabelledScore[], threshold: number): number {
  const { precision, recall } = thresholdQuality(scores, threshold);
  return (1.25 * precision * recall) / (0.25 * precision + recall || 1);
}
