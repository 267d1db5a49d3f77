/**
 * Answers requests for vectors as the built-in model, in OpenAI's format.
 *
 * The vectors are computed from the words alone, so each run has the same ones. Words of one group
 * have one direction, as with a real model: a search for "beverage" finds a note about tea.
 */

import type { ServerResponse } from "node:http";
import { z } from "zod";
import { send } from "./behaviour.ts";

/** How the server treats a request for vectors. */
export type EmbeddingBehaviour =
  | "script"
  /** Vectors of another length, as from another model of the same name. */
  | "script_wide"
  | "hang"
  | "unauthorized"
  /** 400 for each request with a text that contains "unembeddable". */
  | "refuses_some";

export interface EmbeddingRequest {
  readonly model: string;
  readonly input: readonly string[];
}

const requestSchema = z.looseObject({
  model: z.string(),
  input: z.union([z.string(), z.array(z.string())]),
});

const DIMENSION = 64;

/** Words of a similar meaning. */
const GROUPS: readonly (readonly string[])[] = [
  ["tea", "drink", "drinks", "beverage", "coffee"],
  ["ship", "boat", "vessel", "sail", "sails"],
  ["dog", "puppy", "pet", "hound"],
  ["birthday", "born", "age"],
];

/** Words that say nothing about a text's topic. */
const COMMON = new Set(
  "a an the is are of to in at on and or what which who does do did like likes she he it their her his"
    .split(" "),
);

/** Answers one request. */
export function answerEmbeddings(
  body: unknown,
  behaviour: EmbeddingBehaviour,
  res: ServerResponse,
  onAsked: (asked: EmbeddingRequest) => void,
): void {
  const parsed = requestSchema.safeParse(body);
  const fail = (status: number, message: string) =>
    send(res, status, JSON.stringify({ error: { message } }));
  if (!parsed.success) return fail(400, "no request for embeddings");
  const { model } = parsed.data;
  const input = typeof parsed.data.input === "string" ? [parsed.data.input] : parsed.data.input;
  onAsked({ model, input });
  switch (behaviour) {
    case "hang":
      return;
    case "unauthorized":
      return fail(401, "Incorrect API key provided");
    case "refuses_some":
      if (input.some((text) => text.includes("unembeddable"))) {
        return fail(400, "the input is too long");
      }
      break;
    case "script":
    case "script_wide":
  }
  const dimension = behaviour === "script_wide" ? 2 * DIMENSION : DIMENSION;
  const data = input.map((text, index) => ({
    object: "embedding",
    index,
    embedding: vectorOf(text, dimension),
  }));
  const tokens = input.reduce((sum, text) => sum + text.split(/\s+/).length, 0);
  const usage = { prompt_tokens: tokens, total_tokens: tokens };
  send(res, 200, JSON.stringify({ object: "list", model, data, usage }));
}

/** The direction of a text: a sum of those of its words. */
function vectorOf(text: string, dimension: number): readonly number[] {
  const vector = Array.from({ length: dimension }, () => 0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    if (COMMON.has(word)) continue;
    const group = GROUPS.findIndex((words) => words.includes(word));
    const at = group >= 0 ? group : GROUPS.length + hashOf(word) % (dimension - GROUPS.length - 1);
    vector[at] = (vector[at] ?? 0) + 1;
  }
  vector[dimension - 1] = 0.1; // so that a text without words has a direction, too
  return vector;
}

function hashOf(word: string): number {
  let hash = 0;
  for (const letter of word) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) % 65_521;
  return hash;
}
