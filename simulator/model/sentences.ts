/**
 * Sentences that the demo's page suggests, with the call that a model would make for each, and the
 * answer that a person would give with its result. So the page shows the agent at work without a model.
 */

import { quoteOf, wordsOf } from "./script.ts";
import type { WireCall, WireRequest } from "./wire.ts";

type Call = Omit<WireCall, "id">;

interface Sentence {
  readonly pattern: RegExp;
  readonly tool: string;
  /** The arguments, from the groups of the pattern. */
  readonly args: (groups: readonly string[]) => object;
  /** The answer, from the groups and the tool's result. */
  readonly said: (groups: readonly string[], result: string) => string;
}

const TIDES = ["high", "low", "turning"];

const SENTENCES: readonly Sentence[] = [
  {
    pattern: /^remember that (.+?)\.?$/i,
    tool: "memory",
    args: ([text]) => ({ action: "save", text }),
    said: ([text]) => `I will remember that ${text}. Ask me about it any time.`,
  },
  {
    pattern: /^what do you remember about ((?:the )?(.+?))\??$/i,
    tool: "memory",
    args: ([, query]) => ({ action: "search", query }),
    said: ([about], result) => {
      const lines = result.split("\n").filter((line) => line.startsWith("{"));
      const notes = new Set(lines.map((line) => String(JSON.parse(line).text)));
      return notes.size === 0
        ? `I remember nothing about ${about}.`
        : `You told me that ${[...notes].join(", and that ")}.`;
    },
  },
  {
    pattern: /^remind me in (\d{1,4}) ((?:second|minute)s?) to (.+?)\.?$/i,
    tool: "remind",
    args: ([count = "", unit = "", text]) => ({
      action: "create",
      when: `${count}${unit.charAt(0).toLowerCase()}`,
      text,
    }),
    said: ([count, unit, text]) =>
      `I will remind you in ${count} ${unit} to ${text}, even if I crash before.`,
  },
  {
    pattern: /^read the file ([\w.-]+)$/i,
    tool: "read_file",
    args: ([path]) => ({ path }),
    said: ([path], result) => `This is in ${path}:\n${quoteOf(result)}`,
  },
  {
    pattern: /^run ([\w./ -]+)$/i,
    tool: "exec",
    args: ([line = ""]) => ({ argv: line.trim().split(/\s+/) }),
    said: (_groups, result) =>
      `I asked before I ran it. It says:\n${quoteOf(result.replace(/^\[exit code 0.*\]\n/, ""))}`,
  },
  {
    pattern: /^set the topic of this channel to "([^"]+)"$/i,
    tool: "discord",
    args: ([topic]) => ({ action: "channelEdit", topic }),
    said: ([topic]) => `The topic is "${topic}" now. You can undo that for ten minutes.`,
  },
  {
    pattern: /^undo that\.?$/i,
    tool: "discord",
    args: () => ({ action: "undo" }),
    said: () => "I put it back as it was.",
  },
  {
    pattern: /^menu$/i,
    tool: "ask",
    args: () => ({ question: "Which tides do you like?", options: TIDES, upTo: 2 }),
    said: (_groups, result) => `You like this tide: ${answerIn(result)}.`,
  },
];

/** What the script does about a sentence. */
export type SentenceAnswer =
  | { readonly call: Call }
  /** The whole answer. */
  | { readonly said: string };

/**
 * Finds what to do about a sentence: a call, and its result in words once there is one.
 *
 * @param words The asker's newest words; a mention of the bot may stand before them.
 * @param results The results since then.
 * @returns `undefined` for other words.
 */
export function sentenceFor(
  { messages, tools }: Pick<WireRequest, "messages" | "tools">,
  words: string,
  results: readonly string[],
): SentenceAnswer | undefined {
  const plain = withoutMention(words);
  if (/^what did i say\??$/i.test(plain)) return { said: saidBefore(messages) };
  for (const { pattern, tool, args, said } of SENTENCES) {
    const [whole, ...groups] = pattern.exec(plain) ?? [];
    if (whole === undefined) continue;
    if (!tools.includes(tool)) return { said: "I cannot do that here." };
    const [result] = results.map(withoutFences);
    if (result === undefined) {
      return { call: { name: tool, arguments: JSON.stringify(args(groups)) } };
    }
    const failure = /^(?:Error: *|(?=Denied))([^]*)/.exec(result)?.[1];
    return { said: failure === undefined ? said(groups, result) : `I cannot do that: ${failure}.` };
  }
  return undefined;
}

function withoutMention(words: string): string {
  return words.replace(/^<?@[^\s>]+>?\s+/, "").trim();
}

/** A result without the marks of foreign text. */
function withoutFences(result: string): string {
  return result.replace(/<\/?result(?: boundary="[^"]*")?>\n?/g, "").trim();
}

/** What a person has chosen or filled in: `"Port: Hull, Tide: low"`. */
function answerIn(result: string): string {
  return inWords(JSON.parse(result).answer);
}

function inWords(value: unknown): string {
  if (Array.isArray(value)) return value.map(inWords).join(" and ");
  if (typeof value !== "object" || value === null) return String(value ?? "none");
  if ("name" in value) return String(value.name);
  return Object.entries(value).map(([label, one]) => `${label}: ${inWords(one)}`).join(", ");
}

/** The words of the conversation's earlier messages; a model sees them in each request. */
function saidBefore(messages: WireRequest["messages"]): string {
  const earlier = messages.filter(({ role }) => role === "user").slice(0, -1)
    .map(({ text }) => withoutMention(wordsOf(text))).filter((text) => text !== "");
  return earlier.length === 0
    ? "You have said nothing to me here before."
    : `So far I have heard:\n${earlier.slice(-10).map(quoteOf).join("\n")}`;
}
