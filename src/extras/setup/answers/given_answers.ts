/**
 * Reads the answers that a setup has before it asks: options of the command line, and the file of
 * `--answers`. Neither has a secret: a file of answers is copied and shared.
 */

import { z } from "zod";
import { nearestOf } from "../../../config/checks/nearest.ts";
import { type Fault, isRecord, readTree } from "../../../config/text/tree.ts";
import { quoted } from "../../../lib/text/quoted.ts";
import { EXAMPLE_NAMES, type ExampleName, type TokenPrices } from "./state.ts";

const word = z.string().trim().min(1, "an empty text");

const PRICE = z.number("dollars, 0 or more").min(0, "dollars, 0 or more");
const PRICES = 'dollars, { "input": 0.5, "output": 2 }';

const STARTS = ["service", "here", "later"] as const;

const LIST = z.array(word).min(1, "a name, or a list of names");

/** `"a", "b" or "c"` */
function orList(names: readonly string[]): string {
  const [last = "", ...others] = names.map((name) => `"${name}"`).toReversed();
  return `${others.toReversed().join(", ")} or ${last}`;
}

export interface AnswerFile {
  /** The example that the config begins with. */
  readonly example?: ExampleName;
  /** File with the bot token; `-` is stdin. */
  readonly tokenFile?: string;
  /** Whether setup may enable missing intents. */
  readonly intents?: boolean;
  /** Names or ids of servers; `none` for direct messages only. */
  readonly server?: string | readonly string[];
  /** `all`, or names or ids of channels. */
  readonly channels?: string | readonly string[];
  /** `me` for the application's owner, a username, or an id. */
  readonly owner?: string;
  /** `<provider>/<model>`, or `none`. */
  readonly model?: string;
  /** Address of an OpenAI-compatible server. */
  readonly baseUrl?: string;
  /** File with the API key; `-` is stdin. */
  readonly apiKeyFile?: string;
  /** Whether setup may have Ollama download the model. */
  readonly pull?: boolean;
  /** An amount in dollars, a number of tokens with the word tokens, or `none`. */
  readonly dailyLimit?: string | number;
  /** Dollars for a million tokens: of requests and of answers. */
  readonly prices?: TokenPrices;
  /** How the bot runs afterwards. */
  readonly start?: "service" | "here" | "later";
}

const SHAPE = {
  example: z.enum(EXAMPLE_NAMES, orList(EXAMPLE_NAMES)).optional(),
  tokenFile: word.optional(),
  intents: z.boolean("true or false").optional(),
  server: z.union([word, LIST], "a name, or a list of names").optional(),
  channels: z.union([word, LIST], '"all", or a list of names').optional(),
  owner: word.optional(),
  model: word.optional(),
  baseUrl: word.optional(),
  apiKeyFile: word.optional(),
  pull: z.boolean("true or false").optional(),
  dailyLimit: z.union([word, z.number()], 'an amount such as 2, or "none"').optional(),
  prices: z.strictObject({ input: PRICE, output: PRICE }, PRICES).optional(),
  start: z.enum(STARTS, orList(STARTS)).optional(),
} as const;

const schema: z.ZodType<AnswerFile> = z.strictObject(SHAPE);

/** Answers that wait for their question. */
export interface GivenAnswers {
  /** Returns an answer once: if it turns out to be wrong, the user is asked. */
  take<Key extends keyof AnswerFile>(key: Key): AnswerFile[Key];
}

export function givenAnswers(answers: AnswerFile): GivenAnswers {
  const used = new Set<string>();
  return {
    take(key) {
      if (used.has(key)) return undefined;
      used.add(key);
      return answers[key];
    },
  };
}

/** Names of secrets that people write into such a file. */
const SECRET_KEYS: Readonly<Record<string, string>> = {
  token: "write the token into a file of its own, and name that in tokenFile",
  apikey: "write the key into a file of its own, and name that in apiKeyFile",
};

const NO_OBJECT = "it is no JSON object; `{}` is the shortest";

/** The faults of an object, each with its line and column. Any other text is named as a whole. */
function faultLines(text: string, faults: readonly Fault[]): readonly string[] {
  if (!/^\uFEFF?\s*(?:\{|\/[/*])/.test(text)) return [NO_OBJECT];
  return faults.map(({ offset, message }) => {
    const before = text.slice(0, offset).split("\n");
    return `${before.length}:${(before.at(-1) ?? "").length + 1}: ${message}`;
  });
}

/**
 * Reads the text of a file of answers: JSON with comments.
 *
 * @returns The answers, or all problems, one line each.
 */
export async function parseAnswers(
  text: string,
): Promise<{ readonly answers: AnswerFile } | { readonly problems: readonly string[] }> {
  const tree = readTree(text);
  if (tree.kind !== "tree" || !isRecord(tree.value)) {
    return { problems: tree.kind === "faults" ? faultLines(text, tree.faults) : [NO_OBJECT] };
  }
  const parsed = schema.safeParse(tree.value);
  if (parsed.success) return { answers: parsed.data };
  const { distance } = await import("fastest-levenshtein"); // only a faulty file needs it
  const problems = parsed.error.issues.flatMap((issue) => {
    if (issue.code !== "unrecognized_keys") {
      const place = issue.path.join(".");
      return [`${place}: expected ${issue.message.replace(/^Invalid input: expected /, "")}`];
    }
    return issue.keys.map((key) => {
      const secret = SECRET_KEYS[key.toLowerCase()];
      if (secret !== undefined) return `${key}: no secret belongs into this file; ${secret}`;
      const near = nearestOf(key, Object.keys(SHAPE), distance);
      return `unknown key ${quoted(key)}; ` +
        (near === undefined
          ? `the keys are ${Object.keys(SHAPE).join(", ")}`
          : `did you mean "${near}"?`);
    });
  });
  return { problems };
}
