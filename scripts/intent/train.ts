/**
 * Trains weights for the intent filter on published conversations (I2).
 *
 * `deno run -A scripts/intent/train.ts FOLDER… > intent-weights.json` reads logs in the format of
 * irc-disentanglement, as `evaluate.ts` does. Each head is a logistic regression. Never train on
 * messages of Discord: its Developer Policy forbids that.
 *
 * A line of `talk/` counts like {@link TALK_TIMES} lines of those logs: conversations with a bot that
 * the authors of Barnacle made up. People who talk with a program ask more, and thank less, than
 * people who talk with each other.
 */

import { join } from "node:path";
import process from "node:process";
import type { FeatureName, IntentFeatures } from "../../src/policy/intent/features.ts";
import {
  checkIntentWeights,
  type HeadWeights,
  SHIPPED_WEIGHTS,
} from "../../src/policy/intent/weights.ts";
import { type Head, visitLog } from "./evaluate.ts";
import { readIrcLogs } from "./irc_logs.ts";

const EPOCHS = 10;
const BATCH = 64;
const LEARNING_RATE = 0.3;
/** Keeps weights small; the bias is free. */
const L2 = 1e-4;
const SOURCE =
  "irc-disentanglement (Kummerfeld et al., ACL 2019; newer channels: ALTA 2023), and " +
  "conversations with a bot that the authors of Barnacle made up";
const TALK = join(import.meta.dirname ?? "", "talk");
const TALK_TIMES = 400;
/** The same order of samples in each run. */
const SEED = 7;

interface Samples {
  readonly rows: Float32Array[];
  readonly labels: number[];
}

/**
 * Trains a logistic regression with AdaGrad.
 *
 * @returns One weight for each column.
 */
export function trainHead({ rows, labels }: Samples): Float64Array {
  const columns = rows[0]?.length ?? 0;
  const weights = new Float64Array(columns);
  const squares = new Float64Array(columns);
  const order = Array.from(rows.keys());
  const random = createRandom(SEED);
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    shuffle(order, random);
    for (let start = 0; start < order.length; start += BATCH) {
      const batch = order.slice(start, start + BATCH);
      const gradient = new Float64Array(columns);
      for (const at of batch) addGradient(gradient, weights, rows[at], labels[at] ?? 0);
      for (let column = 0; column < columns; column++) {
        const penalty = column === 0 ? 0 : L2 * (weights[column] ?? 0);
        const step = (gradient[column] ?? 0) / batch.length + penalty;
        squares[column] = (squares[column] ?? 0) + step * step;
        const size = LEARNING_RATE / (Math.sqrt(squares[column] ?? 0) + 1e-8);
        weights[column] = (weights[column] ?? 0) - size * step;
      }
    }
  }
  return weights;
}

function addGradient(
  gradient: Float64Array,
  weights: Float64Array,
  row: Float32Array | undefined,
  label: number,
): void {
  if (!row) return;
  let logit = 0;
  for (let at = 0; at < row.length; at++) logit += (weights[at] ?? 0) * (row[at] ?? 0);
  const error = 1 / (1 + Math.exp(-logit)) - label;
  for (let at = 0; at < row.length; at++) {
    gradient[at] = (gradient[at] ?? 0) + error * (row[at] ?? 0);
  }
}

/** A linear congruential generator. */
function createRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state / 2_147_483_648;
  };
}

function shuffle(order: number[], random: () => number): void {
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [order[at], order[other]] = [order[other] ?? 0, order[at] ?? 0];
  }
}

/** The features of a head, the bias first. */
function featuresOf(head: HeadWeights): readonly FeatureName[] {
  return head.map(([name]) => name);
}

function main(): void {
  const { directed, needsReply, room, roomThreshold } = SHIPPED_WEIGHTS;
  const names = { directed, needsReply, room };
  const empty = (): Samples => ({ rows: [], labels: [] });
  const samples: Readonly<Record<Head, Samples>> = {
    directed: empty(),
    needsReply: empty(),
    room: empty(),
  };
  const sums = new Map<string, number>();
  const add = (head: Head, features: IntentFeatures, label: boolean): void => {
    const { rows, labels } = samples[head];
    rows.push(Float32Array.from(featuresOf(names[head]), (name) => features[name]));
    labels.push(label ? 1 : 0);
    if (head !== "directed") return;
    for (const [name, value] of Object.entries(features)) {
      sums.set(name, (sums.get(name) ?? 0) + value);
    }
  };
  for (const log of process.argv.slice(2).flatMap(readIrcLogs)) visitLog(log, add);
  for (const log of readIrcLogs(TALK)) {
    visitLog(log, (head, features, label) => {
      // A bot answers each question that it gets, so its talk tells nothing about open requests.
      for (let time = 0; head !== "room" && time < TALK_TIMES; time++) add(head, features, label);
    });
  }
  const rounded = (value: number) => Number(value.toFixed(3));
  const trained = (head: Head) => {
    const weights = Array.from(trainHead(samples[head]), rounded);
    const ofFeatures = featuresOf(names[head]).map((name, at) => [name, weights[at]]);
    return { weights: Object.fromEntries(ofFeatures) };
  };
  const count = samples.directed.labels.length;
  const typical = Array.from(sums, ([name, sum]) => [name, rounded(sum / count)]);
  const file = {
    version: 1,
    source: SOURCE,
    licence: SHIPPED_WEIGHTS.licence,
    typical: Object.fromEntries(typical),
    heads: {
      directed: trained("directed"),
      needsReply: trained("needsReply"),
      room: { ...trained("room"), threshold: roomThreshold },
    },
  };
  checkIntentWeights(file);
  console.log(JSON.stringify(file, null, 2));
}

if (import.meta.main) main();
