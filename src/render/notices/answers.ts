/**
 * Notices beside answers: about failures, limits, files and reminders.
 *
 * @module
 */

/** Notices beside answers: about failures, limits, files and reminders. */
export const ANSWER_NOTICES = {
  failure: {
    text: "Sorry, something went wrong and I couldn't answer. Error ID for my operator: `{id}`",
    when: "a turn fails",
    placeholders: { id: "the ID of the failure in the log" },
    example: "Das ging schief: `{id}`",
  },
  tooLong: {
    text: "This is only the beginning. The whole answer is in `{file}`.",
    when: "an answer is longer than `messages.maxChunks` allows",
    placeholders: { file: "the file with the whole answer" },
    example: "Das ist nur der Anfang; alles steht in `{file}`.",
  },
  tooLongNoFile: {
    text: "This is only the beginning. The whole answer has {size}, and I can't attach it here.",
    when: "the bot cannot attach such an answer as a file",
    placeholders: { size: "its size" },
    example: "Das ist nur der Anfang; alles hätte {size}.",
  },
  fileCut: {
    text: "[Cut here: the whole answer has {size}, and a file may have at most {limit}.]",
    when: "the file of such an answer is cut, as its last line",
    placeholders: { size: "the size of the whole answer", limit: "the maximum size of a file" },
    example: "[Hier ist Schluss: mehr als {limit} darf eine Datei nicht haben.]",
  },
  fileTooLarge: {
    text: "`{file}` is not attached: it has {size}, and I can attach at most {limit} here.",
    when: "a file is too large",
    placeholders: { file: "its name", size: "its size", limit: "the maximum size of a file" },
    example: "`{file}` hat {size}; mehr als {limit} geht hier nicht.",
  },
  fileWithheld: {
    text: "`{file}` is not attached, because it contains a secret.",
    when: "a secret cannot be removed from a file",
    placeholders: { file: "its name" },
    example: "`{file}` enthält ein Geheimnis und bleibt hier.",
  },
  fileRefused: {
    text: "`{file}` is not attached, because Discord doesn't accept it here.",
    when: "the bot may not attach files in a place, or Discord refuses a file",
    placeholders: { file: "its name" },
    example: "`{file}` darf ich hier nicht anhängen.",
  },
  folded: {
    text: "{count} of my answers had to wait. You can read all of them in `{file}`.",
    when: "a full queue merges several answers into one message",
    placeholders: { count: "the number of answers", file: "the file, or the first of several" },
    example: "Ich kam nicht nach: {count} Antworten stehen in `{file}`.",
  },
  foldedHeading: {
    text: "Answer to {message}",
    when: "an answer begins in that file",
    placeholders: { message: "a link to the answered message" },
    example: "Antwort auf {message}",
  },
  queueFull: {
    text:
      "Too many messages are waiting for my answer, so I won't answer this one. Please send it " +
      "again later.",
    when: "a message arrives while as many turns wait as `messages.queue` allows, once until " +
      "fewer wait",
    example: "Gerade warten zu viele Nachrichten. Frag später noch einmal.",
  },
  budgetSpent: {
    text: "Today's budget for my answers is used up. Please ask me again {reset}.",
    when: "a budget of `budgets` is spent, once per day and person",
    placeholders: { reset: "when the day of the budget ends, as Discord shows it" },
    example: "Für heute ist Schluss. Frag {reset} noch einmal.",
  },
  reminder: {
    text: "{user} Reminder: {text}",
    when: "a reminder is due",
    placeholders: { user: "the person who asked for it, as a mention", text: "its text" },
    example: "{user} Erinnerung: {text}",
  },
  reminderLate: {
    text: "{user} Reminder from {due}, when I was offline: {text}",
    when: "a reminder was due while the bot did not run",
    placeholders: {
      user: "the person who asked for it, as a mention",
      due: "when it was due",
      text: "its text",
    },
    example: "{user} Erinnerung von {due}, verspätet: {text}",
  },
} as const;
