/**
 * Answers to commands and buttons.
 *
 * @module
 */

/** Answers to commands and buttons. */
export const COMMAND_NOTICES = {
  deadButton: {
    text: "This button no longer works.",
    when: "a person presses a button that no longer exists for the bot",
    example: "Dieser Knopf tut nichts mehr.",
  },
  unknownCommand: {
    text: "I no longer have this command.",
    when: "a person uses a slash command that Discord still lists and the bot no longer has",
    example: "Diesen Befehl kenne ich nicht mehr.",
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
    example: "Barnacle {version} mit `{model}`. Online seit {online} ({latency}).",
  },
  statusModelFails: {
    text: "The model has been failing since {since}.",
    when: "the model does not answer, as the second line of `/status`",
    placeholders: { since: "when it began to fail" },
    example: "Das Modell antwortet nicht, seit {since}.",
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
    example: "{entries} Nachrichten, {tokens} von {window} Tokens ({percent}).",
  },
  contextFolded: {
    text: "{messages} earlier messages are folded into a summary since {since}.",
    when: "earlier messages are folded, as the second line of `/context`",
    placeholders: {
      messages: "number of folded messages",
      since: "time of the newest folding, as Discord shows it to the reader",
    },
    example: "{messages} ältere sind zusammengefasst, seit {since}.",
  },
  pressFailed: {
    text: "I can't tell whether that worked. To check, run `barnacle pairing list`.",
    when: "Barnacle could not finish the work of a button in time",
    example: "Ob das ging, zeigt `barnacle pairing list`.",
  },
  memoryEmpty: {
    text: "I keep no notes from your messages here.",
    when: "a person uses `/memory` and has no notes",
    example: "Von dir habe ich hier nichts notiert.",
  },
  memoryUnknown: {
    text: "You have no note {number} here. `/memory` lists yours.",
    when: "a person names a note that is not theirs, or that does not exist",
    placeholders: { number: "the number that they gave" },
    example: "Eine Notiz {number} hast du hier nicht.",
  },
  memoryDeleted: {
    text: "Note {number} is deleted.",
    when: "a person deletes a note by `/memory`",
    placeholders: { number: "its number" },
    example: "Die Notiz {number} ist weg.",
  },
  memoryEdited: {
    text: "Note {number} is changed.",
    when: "a person edits a note by `/memory`",
    placeholders: { number: "its number" },
    example: "Die Notiz {number} ist geändert.",
  },
  memoryNeedsText: {
    text: "To edit a note, give its new `text` of at most {max} characters.",
    when: "a person edits a note by `/memory` without a text that fits",
    placeholders: { max: "the maximum number of characters" },
    example: "Dazu brauche ich `text`, höchstens {max} Zeichen.",
  },
  usage: {
    text: "Today: {today}. This month: {month}. The next day begins {reset}.",
    when: "`/usage` is used",
    placeholders: {
      today: "tokens and money of the asker's messages today",
      month: "the same in this month",
      reset: "when the UTC day ends, as Discord shows it",
    },
    example: "Heute {today}, im Monat {month}. Neuer Tag: {reset}.",
  },
} as const;
