/**
 * The built-in model's answers: words in, an answer out.
 *
 * The demo and the tests need a model that costs nothing, and repeats its answers exactly. It says
 * what it cannot answer, so it passes for no language model. A few words call up answers that are hard to deliver: long ones, code, tables.
 */

/** Number of the asker's characters that an answer repeats. */
const ECHO_MAX = 600;

/** Hours in the tide table of a long answer: enough for several Discord messages. */
const LONG_HOURS = 150;

/** Hours in the table of an answer that is too long for messages: the rest is in a file. */
const BOOK_HOURS = 1_000;

/**
 * The user's own words in a prompt: the content of the last fence, or else the whole text. For a
 * request to summarise a transcript, its length in words.
 *
 * @param prompt `…<message boundary="k3f9">what is new?</message>…`
 */
export function wordsOf(prompt: string): string {
  const opened = [...prompt.matchAll(/<message boundary="[^"]*">/g)].at(-1);
  const transcript = /<transcript boundary="[^"]*">\n([^]*?)\n<\/transcript>/.exec(prompt)?.[1];
  // Its words are not addressed to this model, which would simulate the failures that they name.
  if (transcript?.startsWith('{"n":1,')) return `a catch-up of ${transcript.split("\n").length}`;
  if (transcript !== undefined) return `a transcript of ${transcript.split("\n").length} entries`;
  if (!opened) return prompt.trim();
  const body = prompt.slice(opened.index + opened[0].length);
  const end = body.lastIndexOf("</message");
  const words = (end < 0 ? body : body.slice(0, end)).trim();
  return words.replace(/^@you\s*/, ""); // the bot's own mention
}

/** Texts of the files in a prompt, each with the line of its name. */
export function filesOf(prompt: string): readonly string[] {
  const fences = prompt.matchAll(/<file boundary="[^"]*">\n([^]*?)\n<\/file>/g);
  return [...fences].map(([, text = ""]) => text);
}

/**
 * Answers the first known word: `help`, `long`, `book`, `code`, `table`. Repeats files otherwise.
 *
 * @param words From {@link wordsOf}.
 * @param files From {@link filesOf}.
 */
export function answerTo(words: string, files: readonly string[] = []): string {
  const [, messages] = /^a catch-up of (\d+)$/.exec(words) ?? [];
  if (messages !== undefined) return newsOf(Number(messages));
  const known = /\b(help|long|book|code|table)\b/i.exec(words)?.[1]?.toLowerCase();
  switch (known) {
    case "help":
      return HELP;
    case "long":
      return tides("long", LONG_HOURS);
    case "book":
      return tides("that fills a book", BOOK_HOURS);
    case "code":
      return CODE;
    case "table":
      return TABLE;
    default:
      return files.length > 0 ? echoFiles(files) : echo(words);
  }
}

/** Lines about the messages of a catch-up, and one about a message that does not exist. */
function newsOf(messages: number): string {
  const numbers = Array.from({ length: Math.min(messages, 8) }, (_, at) => at + 1);
  return [...numbers, messages + 1].map((n) => `- The news of message ${n} [${n}]`).join("\n");
}

export function answerWith(results: readonly string[]): string {
  return ["The tools returned:", ...results.map(quoteOf)].join("\n\n");
}

function echoFiles(files: readonly string[]): string {
  return ["You sent me:", ...files.map(quoteOf)].join("\n\n");
}

export function quoteOf(text: string): string {
  return text.slice(0, ECHO_MAX).split("\n").map((line) => `> ${line}`).join("\n");
}

function echo(words: string): string {
  if (words === "") return "You sent no words, so I have nothing to answer.";
  const shown = words.length > ECHO_MAX ? `${words.slice(0, ECHO_MAX).trimEnd()}…` : words;
  const quoted = shown.split("\n").map((line) => `> ${line}`).join("\n");
  return `You wrote:\n${quoted}\nI answer a few requests by heart, without a language model. ` +
    "Say **help**, and I tell you which ones.";
}

const HELP = [
  "Ask me to remember something, to remind you, or what you said. The requests below the messages " +
  "show how. I also know these words:",
  "- **long**: several thousand characters with a long code block",
  "- **book**: more than a dozen messages hold",
  "- **code**: a short program",
  "- **table**: a table",
  "- **menu**, and nothing else: I ask you something",
  "",
  "Send me a file, and I read you its beginning. To see how a failing model looks, write",
  "`simulate: html`, or one of `hang`, `garbage`, `cut`, `rate_limited`, `server_error`, `slow`, `empty`.",
].join("\n");

const CODE = [
  "Here is some code that I keep for the occasion:",
  "```ts",
  "export function greet(name: string): string {",
  "  return `hello, ${name}`;",
  "}",
  "```",
].join("\n");

const TABLE = [
  "Three waters and what lives in them:",
  "",
  "| water | salt, g/l | who is fond of it |",
  "| --- | ---: | --- |",
  "| North Sea | 35 | barnacles |",
  "| Baltic Sea | 8 | a few barnacles |",
  "| Lake Constance | 0 | no barnacles |",
].join("\n");

function tides(what: string, hours: number): string {
  return [
    `You asked for something ${what}, so here is a tide table. ` +
    "It is invented: do not sail by it.",
    "",
    "```text",
    "hour   height  drawing",
    ...Array.from({ length: hours }, (_, hour) => tideLine(hour)),
    "```",
    "",
    "That was all of it. If the block above is longer than one Discord message may be, it",
    "comes in parts, and each part opens and closes its own code block.",
  ].join("\n");
}

/** One line of an invented 12-hour tide. */
function tideLine(hour: number): string {
  const height = 2 + 1.8 * Math.sin((hour / 12) * 2 * Math.PI);
  const drawing = "~".repeat(Math.round(height * 5));
  return `${String(hour).padStart(4)}   ${height.toFixed(2).padStart(5)} m ${drawing}`;
}
