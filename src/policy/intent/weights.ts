/** Reads the weights of the intent filter (I1), and refuses those that do not fit the features. */

import { isRecord } from "../../lib/text/json.ts";
import { type FeatureName, FEATURES } from "./features.ts";
import shipped from "./weights.json" with { type: "json" };

/** Weights of another version belong to other features. */
const VERSION = 1;

export type HeadWeights = readonly (readonly [feature: FeatureName, weight: number])[];

export interface IntentWeights {
  readonly source: string;
  readonly licence: string;
  /** The mean of each feature over all messages, for explanations. */
  readonly typical: Readonly<Record<FeatureName, number>>;
  readonly directed: HeadWeights;
  readonly needsReply: HeadWeights;
  readonly room: HeadWeights;
  /** The probability from which on a message counts as an open request. */
  readonly roomThreshold: number;
}

/** Features that only the head "room" has. */
const ROOM_ONLY: readonly FeatureName[] = ["asksAnyone", "newPersonAsks", "questionNamingNoOther"];
const ALL_FEATURES = Object.keys(FEATURES).filter(isFeature);
const DIRECTED_FEATURES = ALL_FEATURES.filter((name) => !ROOM_ONLY.includes(name));
const ROOM_FEATURES: readonly FeatureName[] = [
  "bias",
  "beginsWithOtherName",
  "namesOther",
  "question",
  "beginsWithQuestionWord",
  "beginsWithAuxiliary",
  "saysYou",
  "acknowledges",
  "thanks",
  "greets",
  "ownProblem",
  "beginsWithReference",
  "length",
  "short",
  "codeOrLink",
  "newPerson",
  "inOtherConversation",
  "saysTheyOrBot",
  "continuesOwn",
  "speakers",
  "addressedByOther",
  ...ROOM_ONLY,
];

/**
 * Checks weights.
 *
 * @param value The parsed JSON.
 * @throws {RangeError} If they are of another version, lack a feature, have an unknown one, or have
 *   a number that is not finite.
 */
export function checkIntentWeights(value: unknown): IntentWeights {
  const file = recordAt({ weights: value }, "weights", "");
  if (file["version"] !== VERSION) {
    throw new RangeError(`version is ${JSON.stringify(file["version"])}, not ${VERSION}`);
  }
  const heads = recordAt(file, "heads", "");
  const room = recordAt(heads, "room", "heads.");
  const roomThreshold = room["threshold"];
  if (!isProbability(roomThreshold)) {
    throw new RangeError("heads.room.threshold is not between 0 and 1");
  }
  return {
    source: String(file["source"] ?? "unknown"),
    licence: String(file["licence"] ?? "unknown"),
    typical: Object.fromEntries(numbersAt(file, "typical", "", ALL_FEATURES)) as Record<
      FeatureName,
      number
    >,
    directed: headAt(heads, "directed", DIRECTED_FEATURES),
    needsReply: headAt(heads, "needsReply", DIRECTED_FEATURES),
    room: headAt(heads, "room", ROOM_FEATURES),
    roomThreshold,
  };
}

export const SHIPPED_WEIGHTS: IntentWeights = checkIntentWeights(shipped);

/**
 * Reads an owner's file with weights.
 *
 * @param text The text of the file; `undefined` if there is none.
 * @returns Its weights. If they do not fit, the shipped ones with the problem, for a warning.
 */
export function readIntentWeights(
  text: string | undefined,
): { readonly weights: IntentWeights; readonly problem?: string } {
  if (text === undefined) return { weights: SHIPPED_WEIGHTS };
  try {
    return { weights: checkIntentWeights(JSON.parse(text)) };
  } catch (error) {
    return { weights: SHIPPED_WEIGHTS, problem: String(error) };
  }
}

function isFeature(name: string): name is FeatureName {
  return Object.hasOwn(FEATURES, name);
}

function isProbability(value: unknown): value is number {
  return typeof value === "number" && value > 0 && value < 1;
}

type Json = Readonly<Record<string, unknown>>;

function headAt(heads: Json, name: string, features: readonly FeatureName[]): HeadWeights {
  return numbersAt(recordAt(heads, name, "heads."), "weights", `heads.${name}.`, features);
}

function recordAt(parent: Json, key: string, path: string): Json {
  const value = parent[key];
  if (!isRecord(value)) throw new RangeError(`${path}${key} is not an object`);
  return value;
}

/** One finite number for each feature, and nothing else. */
function numbersAt(
  parent: Json,
  key: string,
  path: string,
  features: readonly FeatureName[],
): HeadWeights {
  const values = recordAt(parent, key, path);
  const known: readonly string[] = features;
  const unknown = Object.keys(values).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new RangeError(`${path}${key} has the unknown "${unknown}"`);
  return features.map((name) => {
    const value = values[name];
    if (typeof value !== "number" || !Number.isFinite(value)) {
      throw new RangeError(`${path}${key}.${name} is not a finite number`);
    }
    return [name, value];
  });
}
