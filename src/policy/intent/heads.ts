/** Scores a message's features with the two heads of the intent filter (I1). */

import type { IntentReason } from "../../core/inbound/intent.ts";
import { type FeatureName, FEATURES, type IntentFeatures } from "./features.ts";
import weights from "./weights.json" with { type: "json" };

/** A score names this many features. */
const EXPLAINED = 5;

const NAMES = Object.keys(FEATURES) as readonly FeatureName[];

/** The scores of one message, each from 0 to 1. */
export interface IntentJudgement {
  /** Is it for the bot? */
  readonly directed: number;
  /** If it is for the bot: does it need an answer in words? */
  readonly needsReply: number;
  /** The strongest features of `directed`. */
  readonly top: readonly IntentReason[];
}

/** @param part Added to the logit of `directed`. */
export function judgeIntent(features: IntentFeatures, part = 0): IntentJudgement {
  return {
    directed: sigmoid(sumOf(weights.directed, features) + part),
    needsReply: sigmoid(sumOf(weights.needsReply, features)),
    top: strongest(features),
  };
}

/**
 * A part is a weight times the distance from a typical message. Without that distance, "the bot spoke
 * 50 messages ago" would outweigh everything else in each message.
 */
function strongest(features: IntentFeatures): readonly IntentReason[] {
  return NAMES
    .map((name) => ({
      name,
      part: weights.directed[name] * (features[name] - weights.typical[name]),
    }))
    .filter(({ part }) => part !== 0)
    .sort((a, b) => Math.abs(b.part) - Math.abs(a.part))
    .slice(0, EXPLAINED)
    .map(({ name, part }) => ({ name: FEATURES[name](features[name]), part }));
}

function sumOf(head: Readonly<Record<FeatureName, number>>, features: IntentFeatures): number {
  return NAMES.reduce((sum, name) => sum + head[name] * features[name], 0);
}

function sigmoid(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
