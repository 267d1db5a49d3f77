/**
 * Sentences that the demo's page suggests, with the call that a model would make for each, and the
 * words around its result. So the page shows the agent at work without a model.
 */

import { quoteOf, WHO, wordsOf } from "./script.ts";
import type { WireCall, WireRequest } from "./wire.ts";

type Call = Omit<WireCall, "id">;

interface Sentence {
  readonly pattern: RegExp;
  readonly tool: string;
  /** The arguments, from the groups of the pattern. */
  readonly args: (groups: readonly string[]) => object;
  /** Words before the tool's result. */
  readonly said: string;
}

const SENTENCES: readonly Sentence[] = [
  {
    pattern: /^remember that (.+?)\.?$/i,
    tool: "memory",
    args: ([text]) => ({ action: "save", text }),
    said: "I keep that as a note, also for later conversations.",
  },
  {
    pattern: /^what do you remember about (?:the )?(.+?)\??$/i,
    tool: "memory",
    args: ([query]) => ({ action: "search", query }),
    said: "I looked into my notes.",
  },
  {
    pattern: /^remind me in (\d{1,4}) (second|minute)s? to (.+?)\.?$/i,
    tool: "remind",
    args: ([count = "", unit = "", text]) => ({
      action: "create",
      when: `${count}${unit.charAt(0).toLowerCase()}`,
      text,
    }),
    said: "I mention you here then, also if I crash before.",
  },
  {
    pattern: /^read the file ([\w.-]+)$/i,
    tool: "read_file",
    args: ([path]) => ({ path }),
    said: "This is in my workspace.",
  },
  {
    pattern: /^run ([\w./ -]+)$/i,
    tool: "exec",
    args: ([line = ""]) => ({ argv: line.trim().split(/\s+/) }),
    said: "I asked before I ran it.",
  },
  {
    pattern: /^set the topic of this channel to "([^"]+)"$/i,
    tool: "discord",
    args: ([topic]) => ({ action: "channelEdit", topic }),
    said: "The line above the messages has changed. You can undo it for ten minutes.",
  },
  {
    pattern: /^undo that\.?$/i,
    tool: "discord",
    args: () => ({ action: "undo" }),
    said: "I took it back.",
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
    if (!tools.includes(tool)) {
      return {
        said: `${WHO} I have no tool \`${tool}\` for you here: only my owner may ask that.`,
      };
    }
    if (results.length === 0) {
      return { call: { name: tool, arguments: JSON.stringify(args(groups)) } };
    }
    const opening = results.some((result) => /^(?:Error|Denied)/.test(result))
      ? "It failed."
      : said;
    return { said: [`${WHO} ${opening}`, ...results.map(quoteOf)].join("\n") };
  }
  return undefined;
}

function withoutMention(words: string): string {
  return words.replace(/^<?@[^\s>]+>?\s+/, "").trim();
}

/** The words of the conversation's earlier messages; a model sees them in each request. */
function saidBefore(messages: WireRequest["messages"]): string {
  const earlier = messages.filter(({ role }) => role === "user").slice(0, -1)
    .map(({ text }) => withoutMention(wordsOf(text))).filter((text) => text !== "");
  return earlier.length === 0
    ? `${WHO} You have said nothing in this conversation before.`
    : `${WHO} In this conversation I was told:\n${earlier.slice(-10).map(quoteOf).join("\n")}`;
}
