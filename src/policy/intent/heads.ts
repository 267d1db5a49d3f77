/** Scores a message's features with the three heads of the intent filter (I1). */

import type { IntentReason } from "../../core/inbound/intent.ts";
import { type FeatureName, FEATURES, type IntentFeatures } from "./features.ts";
import { type HeadWeights, type IntentWeights, SHIPPED_WEIGHTS } from "./weights.ts";

/** The score from which on an owner wants an answer by default, of every head. */
export const DEFAULT_THRESHOLD = 0.7;
/** Below this, a message for the bot needs no words as an answer. */
export const NEEDS_REPLY_THRESHOLD = 0.35;
/** An explanation names this many features. */
const EXPLAINED = 5;

/** The scores of one message, each from 0 to 1. */
export interface IntentJudgement {
  /** Is it for the bot? */
  readonly directed: number;
  /** Is it an open request to the whole channel? The same threshold fits both. */
  readonly room: number;
  /** If it is for the bot: does it need an answer in words? */
  readonly needsReply: number;
  /** The strongest features of `directed`. */
  readonly top: readonly IntentReason[];
}

export function judgeIntent(
  features: IntentFeatures,
  weights: IntentWeights = SHIPPED_WEIGHTS,
): IntentJudgement {
  const roomShift = logit(DEFAULT_THRESHOLD) - logit(weights.roomThreshold);
  return {
    directed: sigmoid(sumOf(weights.directed, features)),
    room: sigmoid(sumOf(weights.room, features) + roomShift),
    needsReply: sigmoid(sumOf(weights.needsReply, features)),
    get top() { // a crowd's messages are not explained
      return strongest(weights.directed, features, weights.typical);
    },
  };
}

/**
 * The strongest features of a head.
 *
 * A part is a weight times the distance from a typical message. Without that distance, "the bot
 * spoke 50 messages ago" would outweigh everything else in each message.
 */
function strongest(
  head: HeadWeights,
  features: IntentFeatures,
  typical: Readonly<Record<FeatureName, number>>,
): readonly IntentReason[] {
  return head
    .map(([name, weight]) => ({ name, part: weight * (features[name] - typical[name]) }))
    .filter(({ part }) => part !== 0)
    .sort((a, b) => Math.abs(b.part) - Math.abs(a.part))
    .slice(0, EXPLAINED)
    .map(({ name, part }) => ({ name: FEATURES[name](features[name]), part }));
}

function sumOf(head: HeadWeights, features: IntentFeatures): number {
  let sum = 0;
  for (const [name, weight] of head) sum += weight * features[name];
  return sum;
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}

function logit(probability: number): number {
  return Math.log(probability / (1 - probability));
}
