/**
 * Every sentence that Barnacle says in its own name, in one table.
 *
 * Not every server speaks English: `messages.texts.<key>` replaces a sentence.
 * The config's keys are checked against this table, so none is forgotten there.
 *
 * @module
 */

interface Notice {
  /** Words in braces are filled in. */
  readonly text: string;
  /** When it is said, for the operator who would say it otherwise: "a turn fails". */
  readonly when: string;
  /** What each word in braces becomes. */
  readonly placeholders: Readonly<Record<string, string>>;
}

/** The sentences by key. */
export const NOTICES = {
  failure: {
    text: "Something went wrong, and I have no answer. My operator finds why in the log: `{id}`.",
    when: "a turn fails",
    placeholders: { id: "the id that finds the reason in the log" },
  },
  tooLong: {
    text: "This is only the beginning: the whole answer is in `{file}`.",
    when: "an answer is longer than `messages.maxChunks` allows",
    placeholders: { file: "the file that holds all of it" },
  },
  tooLongNoFile: {
    text: "This is only the beginning: the whole answer has {size}, and I may attach {limit} here.",
    when: "such an answer does not fit into a file either",
    placeholders: { size: "its size", limit: "the most that a file may have" },
  },
  fileCut: {
    text: "[Cut here: all of it has {size}, and a file may have {limit}.]",
    when: "the file of such an answer is cut, as its last line",
    placeholders: { size: "the size of all of it", limit: "the most that a file may have" },
  },
  fileTooLarge: {
    text: "`{file}` is not attached: it has {size}, and I may attach {limit} here.",
    when: "a file is too large",
    placeholders: { file: "its name", size: "its size", limit: "the most that it may have" },
  },
  fileWithheld: {
    text: "`{file}` is not attached: it holds a secret.",
    when: "a file holds a secret that cannot be taken out of it",
    placeholders: { file: "its name" },
  },
  folded: {
    text: "{count} of my answers had to wait: they are in `{file}`, whole.",
    when: "a full queue makes one message of several answers",
    placeholders: { count: "how many answers", file: "the file, or the first of several" },
  },
  foldedHeading: {
    text: "Answer to {message}",
    when: "each answer begins in that file",
    placeholders: { message: "a link to the message that is answered" },
  },
  parked: {
    text: "What I have to say in {channel} waits: {reason}. I try again once that has changed.",
    when: "a channel may not be posted in, to the bot's owner",
    placeholders: {
      channel: "the channel, as a mention",
      reason: '"cannot post in #ops: Send Messages is denied for the role Krill"',
    },
  },
  dead: {
    text: "Messages that I gave up for {channel}: {count}; {reason}. `barnacle outbox` shows them.",
    when: "messages cannot be delivered, to the bot's owner",
    placeholders: {
      channel: "the channel, as a mention",
      count: "how many messages",
      reason: "why the last of them",
    },
  },
  breaker: {
    text: "Discord refused {count} of my requests within ten minutes, so I asked nothing more of " +
      "it for a while. `barnacle status` shows how many there are now.",
    when: "requests were stopped before Discord would ban the address, to the bot's owner",
    placeholders: { count: "how many were refused" },
  },
  challenge: {
    text:
      "I do not know you yet, so I read none of this. Whoever runs me can let you in, within an " +
      "hour, with `barnacle pairing approve {code}`; you are {id}.",
    when: "a stranger writes to the bot for the first time",
    placeholders: { code: "the code", id: "the stranger's Discord id" },
  },
  paired: {
    text: "You may write to me now.",
    when: "a stranger has been let in, to them",
    placeholders: {},
  },
  pairingAsked: {
    text:
      "{name} ({id}) wants to write to me, and has the code `{code}` until {until}. Your word " +
      "lets them in: here, or by `barnacle pairing approve {code}`.",
    when: "a stranger was given a code, to the bot's owner",
    placeholders: {
      name: "their username",
      id: "their Discord id",
      code: "the code",
      until: "when it expires",
    },
  },
  approve: {
    text: "Approve",
    when: "somebody is to be let in, on the button for it",
    placeholders: {},
  },
  deny: {
    text: "Deny",
    when: "somebody is to be kept out, on the button for it",
    placeholders: {},
  },
  approved: {
    text: "{name} ({id}) may write to me now: {by} has approved it.",
    when: "the button that lets a stranger in was pressed",
    placeholders: { name: "their username", id: "their Discord id", by: "who pressed it" },
  },
  denied: {
    text: "{name} ({id}) may not write to me: {by} has denied it.",
    when: "the button that keeps a stranger out was pressed",
    placeholders: { name: "their username", id: "their Discord id", by: "who pressed it" },
  },
  decidedBefore: {
    text: "{name} ({id}): that was decided already. `barnacle pairing list` shows who may write.",
    when: "a button was pressed of a request that is decided",
    placeholders: { name: "their username", id: "their Discord id" },
  },
  pairingExpired: {
    text: "{name} ({id}): the code has expired. They get another one when they write to me again.",
    when: "a button was pressed of a request whose hour is over",
    placeholders: { name: "their username", id: "their Discord id" },
  },
  notAuthorized: {
    text: "You are not authorized to do that.",
    when: "somebody presses a button, or gives a command, that is not theirs",
    placeholders: {},
  },
  deadButton: {
    text: "This button does nothing any more.",
    when: "a button was pressed that nobody knows",
    placeholders: {},
  },
  unknownCommand: {
    text: "I don't know this command any more.",
    when: "a slash command is used that Discord still lists and the bot no longer has",
    placeholders: {},
  },
  status: {
    text: "Barnacle {version}, answering with `{model}`. Online for {online}, heartbeat {latency}.",
    when: "`/status` is used",
    placeholders: {
      version: "Barnacle's version",
      model: "the model",
      online: "how long the connection has been ready",
      latency: "how long Discord takes to acknowledge a heartbeat",
    },
  },
  statusModelFails: {
    text: "The model has failed since {since}.",
    when: "the model does not answer, as the second line of `/status`",
    placeholders: { since: "when it began to fail" },
  },
  pressFailed: {
    text: "I cannot tell whether that worked: `barnacle pairing list` shows how things stand.",
    when: "what a button asks for could not be done in time",
    placeholders: {},
  },
  joined: {
    text: "I was added to {name} ({id}) and answer nobody there, by {rule}. If I should: {command}",
    when: "the bot joins a guild that the config does not let it answer in, to the bot's owner",
    placeholders: {
      name: "the guild's name",
      id: "its id",
      rule: "the place in the config that says so",
      command: "the command that allows it",
    },
  },
} as const satisfies Readonly<Record<string, Notice>>;

export type TextKey = keyof typeof NOTICES;

/** `messages.texts`: what the operator would rather say. */
export type Texts = Readonly<Partial<Record<TextKey, string | undefined>>>;

/** What a sentence is filled in with: all the words that it may have. */
export type Placeholders<Key extends TextKey> = Readonly<
  Record<keyof (typeof NOTICES)[Key]["placeholders"], string | number>
>;

/** A sentence in the operator's words, or else in ours, filled in (R13). */
export function notice<Key extends TextKey>(
  key: Key,
  placeholders: Placeholders<Key>,
  texts: Texts,
): string {
  const text = texts[key] ?? NOTICES[key].text;
  const values: ReadonlyMap<string, unknown> = new Map(Object.entries(placeholders));
  return text.replace(/\{(\w+)\}/g, (braced, name: string) => String(values.get(name) ?? braced));
}
