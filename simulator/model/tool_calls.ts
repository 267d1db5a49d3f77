/**
 * The tool calls of the built-in model: the asker writes them, line by line.
 *
 * The demo and the tests need a model that calls exactly the tools that they name.
 */

import { sentenceFor } from "./sentences.ts";
import type { WireCall, WireRequest } from "./wire.ts";

const CALL_LINE = /^\s*call:\s*([\w-]+)\s*(.*?)\s*$/i;
const NEXT_LINE = /^\s*then\s*$/i;

/** Work that another agent has passed on. The words of the message are that agent's calls. */
const PASSED =
  /\[the agent (\S+) has passed this message on to you[^]*?<context boundary="\w+">\n([^]*?)\n<\/context>/;

/**
 * The calls that some words ask for, answer by answer.
 *
 * @param words Lines such as `call: remind {"when":"18:00"}`. Calls of one answer stand below each
 * other; a line `then` begins the next answer.
 */
function answersIn(words: string): readonly (readonly Omit<WireCall, "id">[])[] {
  const answers: Omit<WireCall, "id">[][] = [[]];
  for (const line of words.split("\n")) {
    const [, name, written] = CALL_LINE.exec(line) ?? [];
    if (name !== undefined) answers.at(-1)?.push({ name, arguments: written || "{}" });
    else if (NEXT_LINE.test(line)) answers.push([]);
  }
  return answers.filter((calls) => calls.length > 0);
}

/** What the built-in model does about calls in a request. */
export interface AskedCalls {
  /** The calls of this answer; none if it answers in words. */
  readonly calls: readonly WireCall[];
  /** The results since the newest words, if there are any. */
  readonly results: readonly string[];
  /** The whole answer, if a sentence asks for one. */
  readonly said?: string;
}

/**
 * Finds the calls of the next answer, and the results so far.
 *
 * @param words The asker's newest words.
 */
export function callsFor({ messages, tools }: WireRequest, words: string): AskedCalls {
  const newest = messages.findLastIndex(({ role }) => role === "user");
  const since = messages.slice(newest + 1);
  const answered = since.filter(({ role }) => role === "assistant").length;
  const results = since.flatMap(({ role, text }) => role === "tool" ? [text] : []);
  const [, from, task] = PASSED.exec(messages[newest]?.text ?? "") ?? [];
  if (from !== undefined) return { calls: [], results, said: `I go on for ${from}: ${task}` };
  const sentence = sentenceFor({ messages, tools }, words, results);
  if (sentence && "said" in sentence) return { calls: [], results, said: sentence.said };
  const asked = sentence ? [sentence.call] : answersIn(words)[answered] ?? [];
  const calls = tools.length === 0 ? [] : asked;
  return {
    calls: calls.map((call, at) => ({ ...call, id: `call_${answered + 1}_${at + 1}` })),
    results,
  };
}
