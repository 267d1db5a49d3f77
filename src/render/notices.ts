/**
 * Every sentence that Barnacle says in its own name, in one table.
 *
 * Not every server speaks English: `messages.texts.<key>` replaces a sentence.
 * The config's keys are checked against this table, so none is forgotten there.
 *
 * @module
 */

interface Sentence {
  /** Words in braces are filled in. */
  readonly text: string;
  /** When it is said, for the operator who would say it otherwise: "a turn fails". */
  readonly when: string;
  /** What each word in braces becomes. */
  readonly words: Readonly<Record<string, string>>;
}

/** The sentences by key. */
export const SENTENCES = {
  failure: {
    text: "Something went wrong, and I have no answer. My operator finds why in the log: `{id}`.",
    when: "a turn fails",
    words: { id: "the id that finds the reason in the log" },
  },
  tooLong: {
    text: "This is only the beginning: the whole answer is in `{file}`.",
    when: "an answer is longer than `messages.maxChunks` allows",
    words: { file: "the file that holds all of it" },
  },
  tooLongNoFile: {
    text: "This is only the beginning: the whole answer has {size}, and I may attach {limit} here.",
    when: "such an answer does not fit into a file either",
    words: { size: "its size", limit: "the most that a file may have" },
  },
  fileCut: {
    text: "[Cut here: all of it has {size}, and a file may have {limit}.]",
    when: "the file of such an answer is cut, as its last line",
    words: { size: "the size of all of it", limit: "the most that a file may have" },
  },
  fileTooLarge: {
    text: "`{file}` is not attached: it has {size}, and I may attach {limit} here.",
    when: "a file is too large",
    words: { file: "its name", size: "its size", limit: "the most that it may have" },
  },
  fileWithheld: {
    text: "`{file}` is not attached: it holds a secret.",
    when: "a file holds a secret that cannot be taken out of it",
    words: { file: "its name" },
  },
  folded: {
    text: "{count} of my answers had to wait: they are in `{file}`, whole.",
    when: "a full queue makes one message of several answers",
    words: { count: "how many answers", file: "the file, or the first of several" },
  },
  foldedHeading: {
    text: "Answer to {message}",
    when: "each answer begins in that file",
    words: { message: "a link to the message that is answered" },
  },
  parked: {
    text: "What I have to say in {channel} waits: {reason}. I try again once that has changed.",
    when: "a channel may not be posted in, to the bot's owner",
    words: {
      channel: "the channel, as a mention",
      reason: '"cannot post in #ops: Send Messages is denied for the role Krill"',
    },
  },
  dead: {
    text: "Messages that I gave up for {channel}: {count}; {reason}. `barnacle outbox` shows them.",
    when: "messages cannot be delivered, to the bot's owner",
    words: {
      channel: "the channel, as a mention",
      count: "how many messages",
      reason: "why the last of them",
    },
  },
  breaker: {
    text: "Discord refused {count} of my requests within ten minutes, so I asked nothing more of " +
      "it for a while. `barnacle status` shows how many there are now.",
    when: "requests were stopped before Discord would ban the address, to the bot's owner",
    words: { count: "how many were refused" },
  },
} as const satisfies Readonly<Record<string, Sentence>>;

export type TextKey = keyof typeof SENTENCES;

/** `messages.texts`: what the operator would rather say. */
export type Texts = Readonly<Partial<Record<TextKey, string | undefined>>>;

/** What a sentence is filled in with: all the words that it may have. */
export type Words<Key extends TextKey> = Readonly<
  Record<keyof (typeof SENTENCES)[Key]["words"], string | number>
>;

/** A sentence in the operator's words, or else in ours, filled in (R13). */
export function notice<Key extends TextKey>(key: Key, words: Words<Key>, texts: Texts): string {
  const text = texts[key] ?? SENTENCES[key].text;
  const values: ReadonlyMap<string, unknown> = new Map(Object.entries(words));
  return text.replace(/\{(\w+)\}/g, (written, word: string) => String(values.get(word) ?? written));
}
