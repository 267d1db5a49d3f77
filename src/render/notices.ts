/**
 * All notices: the sentences that Barnacle writes in its own name.
 *
 * Not every server speaks English, so `messages.texts.<key>` replaces a notice. The config's keys
 * are checked against this table, so none can be missing there.
 *
 * @module
 */

/** One notice. */
interface Notice {
  /** The text. Each name in braces is a placeholder. */
  readonly text: string;
  /** When Barnacle sends it, for operators who want to replace it: `"a turn fails"`. */
  readonly when: string;
  /** The content of each placeholder. */
  readonly placeholders: Readonly<Record<string, string>>;
}

/** All notices by key. */
export const NOTICES = {
  failure: {
    text: "Sorry, something went wrong and I couldn't answer. Error ID for my operator: `{id}`",
    when: "a turn fails",
    placeholders: { id: "the ID of the failure in the log" },
  },
  tooLong: {
    text: "This is only the beginning. The whole answer is in `{file}`.",
    when: "an answer is longer than `messages.maxChunks` allows",
    placeholders: { file: "the file with the whole answer" },
  },
  tooLongNoFile: {
    text: "This is only the beginning. The whole answer has {size}, and I can't attach it here.",
    when: "the bot cannot attach such an answer as a file",
    placeholders: { size: "its size" },
  },
  fileCut: {
    text: "[Cut here: the whole answer has {size}, and a file may have at most {limit}.]",
    when: "the file of such an answer is cut, as its last line",
    placeholders: { size: "the size of the whole answer", limit: "the maximum size of a file" },
  },
  fileTooLarge: {
    text: "`{file}` is not attached: it has {size}, and I can attach at most {limit} here.",
    when: "a file is too large",
    placeholders: { file: "its name", size: "its size", limit: "the maximum size of a file" },
  },
  fileWithheld: {
    text: "`{file}` is not attached, because it contains a secret.",
    when: "a secret cannot be removed from a file",
    placeholders: { file: "its name" },
  },
  fileRefused: {
    text: "`{file}` is not attached, because Discord doesn't accept it here.",
    when: "the bot may not attach files in a place, or Discord refuses a file",
    placeholders: { file: "its name" },
  },
  folded: {
    text: "{count} of my answers had to wait. You can read all of them in `{file}`.",
    when: "a full queue merges several answers into one message",
    placeholders: { count: "the number of answers", file: "the file, or the first of several" },
  },
  foldedHeading: {
    text: "Answer to {message}",
    when: "an answer begins in that file",
    placeholders: { message: "a link to the answered message" },
  },
  parked: {
    text: "My messages for {channel} are waiting: {reason}. I'll try again once that has changed.",
    when: "Discord lets the bot post nothing in a channel, to the bot's owner",
    placeholders: {
      channel: "the channel, as a mention",
      reason: '"cannot post in #ops: Send Messages is denied for the role Krill"',
    },
  },
  noFiles: {
    text:
      "My long answers in {channel} lack their end: {reason}. I'll send them whole once that has " +
      "changed.",
    when: "Discord lets the bot attach no file in a place, to the bot's owner",
    placeholders: {
      channel: "the channel, as a mention",
      reason: '"cannot attach files in #ops: Attach Files is denied for the role Krill"',
    },
  },
  dead: {
    text: "Messages that I gave up for {channel}: {count}. Last reason: {reason}. To see them, " +
      "run `barnacle outbox`.",
    when: "messages cannot be delivered, to the bot's owner",
    placeholders: {
      channel: "the channel, as a mention",
      count: "the number of messages",
      reason: "why the last of them could not be delivered",
    },
  },
  setAside: {
    text:
      "I set one message for {channel} aside, and go on with the next: {reason}. To see it, run " +
      "`barnacle outbox`.",
    when:
      "one message fails while Discord serves other requests to its channel, to the bot's owner",
    placeholders: {
      channel: "the channel, as a mention",
      reason: "how often it failed, and Discord's last answer",
    },
  },
  breaker: {
    text: "Discord refused {count} of my requests within ten minutes, so I paused my requests " +
      "for a while. To see the current number, run `barnacle status`.",
    when: "Barnacle stops requests before Discord bans its address, to the bot's owner",
    placeholders: { count: "the number of refused requests" },
  },
  modelFails: {
    text:
      "I can't answer: my model `{model}` fails, because {problem}. To fix it, {fix}. To check " +
      "it again, run `barnacle doctor`.",
    when: "a model fails, and only the operator can fix it, to the bot's owner",
    placeholders: {
      model: "the model",
      problem: '"its server refuses the API key"',
      fix: '"check the API key of the provider openai"',
    },
  },
  stopped: {
    text: "Stopped.",
    when: "a person stops the bot's work",
    placeholders: {},
  },
  nothingToStop: {
    text: "There is nothing to stop: no work of yours is running or waiting here.",
    when: "a person stops the bot, and it has nothing to do",
    placeholders: {},
  },
  stopButton: {
    text: "Stop",
    when: "the bot shows its progress, on the button that ends the work (at most 80 characters)",
    placeholders: {},
  },
  progress: {
    text: "{work} · step {step} of {steps} · {seconds} s",
    when: "the bot works, in its progress line (`streaming`)",
    placeholders: {
      work: "its work, in the words below",
      step: "the number of the step",
      steps: "the maximum number of steps",
      seconds: "the seconds since the beginning",
    },
  },
  workThinking: {
    text: "thinking",
    when: "the model writes, in the progress line",
    placeholders: {},
  },
  workTool: {
    text: "using `{tool}`",
    when: "a tool without words of its own runs, in the progress line",
    placeholders: { tool: "its name" },
  },
  workHistory: {
    text: "reading {channel}",
    when: "the bot reads earlier messages, in the progress line",
    placeholders: { channel: "the channel, as a mention" },
  },
  workThread: {
    text: "opening a thread",
    when: "the bot opens a thread, in the progress line",
    placeholders: {},
  },
  workMemory: {
    text: "looking into my notes",
    when: "the bot reads or writes its memory, in the progress line",
    placeholders: {},
  },
  workRecall: {
    text: "rereading our conversation",
    when: "the bot reads folded messages again, in the progress line",
    placeholders: {},
  },
  workRemind: {
    text: "setting a reminder",
    when: "the bot works on reminders, in the progress line",
    placeholders: {},
  },
  workSkill: {
    text: "reading a skill",
    when: "the bot reads a skill, in the progress line",
    placeholders: {},
  },
  workPage: {
    text: "reading a web page",
    when: "the bot reads a web page, in the progress line",
    placeholders: {},
  },
  workSearch: {
    text: "searching the web",
    when: "the bot searches the web, in the progress line",
    placeholders: {},
  },
  workCode: {
    text: "running code",
    when: "the bot runs a script, in the progress line",
    placeholders: {},
  },
  workImage: {
    text: "drawing",
    when: "the bot draws a picture, in the progress line",
    placeholders: {},
  },
  workFiles: {
    text: "working on files",
    when: "the bot reads or writes files of its workspace, in the progress line",
    placeholders: {},
  },
  challenge: {
    text: "I only answer approved people, so I haven't read this. Ask my owner to run `barnacle " +
      "pairing approve {code}` within an hour. Your ID: {id}",
    when: "an unpaired sender writes to the bot for the first time",
    placeholders: { code: "the code", id: "the unpaired sender's Discord ID" },
  },
  paired: {
    text: "You're approved. You can write to me now.",
    when: "an unpaired sender was approved, to them",
    placeholders: {},
  },
  pairingAsked: {
    text:
      "{name} ({id}) wants to write to me. Their code is `{code}`, valid until {until}. Approve " +
      "below, or run `barnacle pairing approve {code}`.",
    when: "an unpaired sender got a code, to the bot's owner",
    placeholders: {
      name: "their username",
      id: "their Discord ID",
      code: "the code",
      until: "when it expires",
    },
  },
  approve: {
    text: "Approve",
    when: "an unpaired sender got a code, on the button that approves them",
    placeholders: {},
  },
  deny: {
    text: "Deny",
    when: "an unpaired sender got a code, on the button that denies them",
    placeholders: {},
  },
  approved: {
    text: "{name} ({id}) may write to me now. {by} approved it.",
    when: "an owner approved an unpaired sender by the button",
    placeholders: { name: "their username", id: "their Discord ID", by: "the owner" },
  },
  denied: {
    text: "{name} ({id}) may not write to me. {by} denied it.",
    when: "an owner denied an unpaired sender by the button",
    placeholders: { name: "their username", id: "their Discord ID", by: "the owner" },
  },
  decidedBefore: {
    text: "{name} ({id}): this request was already decided. To see who may write to me, run " +
      "`barnacle pairing list`.",
    when: "an owner presses a button of a request that was already decided",
    placeholders: { name: "their username", id: "their Discord ID" },
  },
  pairingExpired: {
    text: "{name} ({id}): this code has expired. They get a new one when they write to me again.",
    when: "an owner presses a button of an expired request",
    placeholders: { name: "their username", id: "their Discord ID" },
  },
  notAuthorized: {
    text: "You are not authorized to do that.",
    when: "a person uses a button or a command without the right to",
    placeholders: {},
  },
  deadButton: {
    text: "This button no longer works.",
    when: "a person presses a button that no longer exists for the bot",
    placeholders: {},
  },
  unknownCommand: {
    text: "I no longer have this command.",
    when: "a person uses a slash command that Discord still lists and the bot no longer has",
    placeholders: {},
  },
  status: {
    text: "Barnacle {version}, answering with `{model}`. Online for {online}, heartbeat {latency}.",
    when: "a person uses `/status`",
    placeholders: {
      version: "Barnacle's version",
      model: "the model",
      online: "how long the connection has been ready",
      latency: "how long Discord takes to acknowledge a heartbeat",
    },
  },
  context: {
    text:
      "{entries} messages and answers of this conversation fill {percent} of what I can read at " +
      "once: about {tokens} of {window} tokens.",
    when: "a person uses `/context`",
    placeholders: {
      entries: "number of messages and answers that are not folded",
      tokens: "estimated number of their tokens, with the summary",
      window: "number of tokens that fit into a request",
      percent: "share of the window, with its sign",
    },
  },
  contextFolded: {
    text: "{messages} earlier messages are folded into a summary since {since}.",
    when: "earlier messages are folded, as the second line of `/context`",
    placeholders: {
      messages: "number of folded messages",
      since: "time of the newest folding, as Discord shows it to the reader",
    },
  },
  statusModelFails: {
    text: "The model has been failing since {since}.",
    when: "the model does not answer, as the second line of `/status`",
    placeholders: { since: "when it began to fail" },
  },
  pressFailed: {
    text: "I can't tell whether that worked. To check, run `barnacle pairing list`.",
    when: "Barnacle could not finish the work of a button in time",
    placeholders: {},
  },
  queueFull: {
    text:
      "Too many messages are waiting for my answer, so I won't answer this one. Please send it " +
      "again later.",
    when: "a message arrives while as many turns wait as `messages.queue` allows, once until " +
      "fewer wait",
    placeholders: {},
  },
  memoryEmpty: {
    text: "I keep no notes from your messages here.",
    when: "a person uses `/memory` and has no notes",
    placeholders: {},
  },
  memoryUnknown: {
    text: "You have no note {number} here. `/memory` lists yours.",
    when: "a person names a note that is not theirs, or that does not exist",
    placeholders: { number: "the number that they gave" },
  },
  memoryDeleted: {
    text: "Note {number} is deleted.",
    when: "a person deletes a note by `/memory`",
    placeholders: { number: "its number" },
  },
  memoryEdited: {
    text: "Note {number} is changed.",
    when: "a person edits a note by `/memory`",
    placeholders: { number: "its number" },
  },
  memoryNeedsText: {
    text: "To edit a note, give its new `text` of at most {max} characters.",
    when: "a person edits a note by `/memory` without a text that fits",
    placeholders: { max: "the maximum number of characters" },
  },
  usage: {
    text: "Today: {today}. This month: {month}. The next day begins {reset}.",
    when: "`/usage` is used",
    placeholders: {
      today: "tokens and money of the asker's messages today",
      month: "the same in this month",
      reset: "when the UTC day ends, as Discord shows it",
    },
  },
  budgetSpent: {
    text: "Today's budget for my answers is used up. Please ask me again {reset}.",
    when: "a budget of `budgets` is spent, once per day and person",
    placeholders: { reset: "when the day of the budget ends, as Discord shows it" },
  },
  reminder: {
    text: "{user} Reminder: {text}",
    when: "a reminder is due",
    placeholders: { user: "the person who asked for it, as a mention", text: "its text" },
  },
  reminderLate: {
    text: "{user} Reminder from {due}, when I was offline: {text}",
    when: "a reminder was due while the bot did not run",
    placeholders: {
      user: "the person who asked for it, as a mention",
      due: "when it was due",
      text: "its text",
    },
  },
  schedulePaused: {
    text: "I paused schedule {number} in {channel}, because its last {count} runs failed. To see " +
      "why: `barnacle why {run}`. To go on: `barnacle schedules resume {number}`.",
    when: "the last three runs of a schedule failed, to the bot's owner",
    placeholders: {
      number: "the number of the schedule",
      channel: "the channel, as a mention",
      count: "the number of failed runs",
      run: "the ID of the last run",
    },
  },
  ownerNotThere: {
    text:
      "I don't answer in {name} ({id}), because {reason}. To allow it: {command}. From then on, I " +
      "answer only in servers that my config lists.",
    when:
      "the bot joins a guild that no owner is known to have joined, or is mentioned there, and " +
      "the config has no `channels.discord`; once per guild, to the bot's owner",
    placeholders: {
      name: "the guild's name",
      id: "its ID",
      reason: '"none of my owners is a member there"',
      command: "the command that allows it",
    },
  },
  joined: {
    text: "I was added to {name} ({id}), but my config ({rule}) keeps me silent there. To allow " +
      "it: {command}",
    when: "the bot joins a guild in which the config keeps it silent, to the bot's owner",
    placeholders: {
      name: "the guild's name",
      id: "its ID",
      rule: "the config path that keeps it silent",
      command: "the command that allows it",
    },
  },
} as const satisfies Readonly<Record<string, Notice>>;

/** Key of a notice. */
export type TextKey = keyof typeof NOTICES;

/** `messages.texts`: the operator's own notices. */
export type Texts = Readonly<Partial<Record<TextKey, string | undefined>>>;

/** Values for all placeholders of a notice. */
export type Placeholders<Key extends TextKey> = Readonly<
  Record<keyof (typeof NOTICES)[Key]["placeholders"], string | number>
>;

/** A notice with its placeholders replaced: the operator's own text, or ours (R13). */
export function notice<Key extends TextKey>(
  key: Key,
  placeholders: Placeholders<Key>,
  texts: Texts,
): string {
  const text = texts[key] ?? NOTICES[key].text;
  const values: ReadonlyMap<string, unknown> = new Map(Object.entries(placeholders));
  return text.replace(/\{(\w+)\}/g, (braced, name: string) => String(values.get(name) ?? braced));
}
