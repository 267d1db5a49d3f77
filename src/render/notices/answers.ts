/**
 * Notices beside answers (limits, files and reminders), and about running work: the progress
 * line and its button.
 */

/** Notices beside answers: about limits, files and reminders. */
export const ANSWER_NOTICES = {
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
  answerCut: {
    text:
      "-# My answer stops here: it reached the maximum length that my model can write at once. " +
      "Ask me to go on.",
    when: "an answer reaches the model's maximum of output tokens, as its last line",
    example: "-# Hier war Schluss: frag mich nach dem Rest.",
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
      "Too many messages are waiting for my answer, so I won't answer this one, nor those that I " +
      "mark with ⏳. Please send them again later.",
    when:
      "a message arrives while as many turns wait as `messages.queue` allows, once a minute in " +
      "a channel; Barnacle marks those of others with ⏳",
    example: "Gerade warten zu viele Nachrichten. Frag später noch einmal.",
  },
  missed: {
    text:
      "I was away, so I won't answer this message, nor those that I mark with 💤. Please send them " +
      "again if they still matter.",
    when: "catch-up finds messages beyond its limits, once a minute in a channel; Barnacle marks " +
      "those of others with 💤",
    example: "Ich war weg und beantworte das nicht mehr. Frag noch einmal, wenn es wichtig ist.",
  },
  unmarked: {
    text: "I won't answer these messages, so please send them again later: {links}",
    when:
      "Discord refuses these marks, for example because the bot may not add reactions, once a " +
      "minute in a channel",
    placeholders: { links: "links to the messages" },
    example: "Diese Nachrichten beantworte ich nicht: {links}",
  },
  unread: {
    text: "I was away, and have not read the messages before {link}. If you asked me something " +
      "there, please ask again.",
    when: "catch-up finds more messages in a channel than it reads, once after an absence",
    placeholders: { link: "link to the oldest message that the bot has read" },
    example: "Ich war weg. Was vor {link} steht, habe ich nicht gelesen.",
  },
  budgetSpent: {
    text: "The budget for my answers is used up. Please ask me again {reset}.",
    when:
      "a budget of `budgets` is spent, once per day and person; Barnacle marks later messages " +
      "of that day with 🚫",
    placeholders: { reset: "when the day or month of the budget ends, as Discord shows it" },
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

/** Notices about running work: the progress line and its button. */
export const PROGRESS_NOTICES = {
  stopButton: {
    text: "Stop",
    when: "the bot shows its progress, on the button that ends the work (at most 80 characters)",
    example: "Halt",
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
    example: "{work} · Schritt {step}/{steps} · {seconds} s",
  },
  workThinking: {
    text: "thinking",
    when: "the model writes, in the progress line",
    example: "denke nach",
  },
  workReading: {
    text: "my model is still reading, which takes minutes on a small computer",
    when:
      "the model's server is on a private network and has read for 30 s, in a progress line that " +
      "comes then with any `streaming`",
    example: "mein Modell liest noch; kleine Rechner brauchen Minuten",
  },
  workTool: {
    text: "using `{tool}`",
    when: "a tool without words of its own runs, in the progress line",
    placeholders: { tool: "its name" },
    example: "nutze `{tool}`",
  },
  workHistory: {
    text: "reading {channel}",
    when: "the bot reads earlier messages, in the progress line",
    placeholders: { channel: "the channel, as a mention" },
    example: "lese {channel}",
  },
  workAsk: {
    text: "asking a question",
    when: "the bot asks a person, in the progress line",
    example: "stelle eine Frage",
  },
  workDiscord: {
    text: "working on Discord",
    when: "the bot reads or writes messages, threads and the like, in the progress line",
    example: "arbeite in Discord",
  },
  workExec: {
    text: "running a command",
    when: "the bot runs a command, in the progress line",
    example: "führe einen Befehl aus",
  },
  workThread: {
    text: "opening a thread",
    when: "the bot opens a thread, in the progress line",
    example: "öffne einen Thread",
  },
  workMemory: {
    text: "looking into my notes",
    when: "the bot reads or writes its memory, in the progress line",
    example: "sehe in meine Notizen",
  },
  workRecall: {
    text: "rereading our conversation",
    when: "the bot reads folded messages again, in the progress line",
    example: "lese unser Gespräch nach",
  },
  workRemind: {
    text: "setting a reminder",
    when: "the bot works on reminders, in the progress line",
    example: "stelle eine Erinnerung",
  },
  workSkill: {
    text: "reading a skill",
    when: "the bot reads a skill, in the progress line",
    example: "lese eine Anleitung",
  },
  workPage: {
    text: "reading a web page",
    when: "the bot reads a web page, in the progress line",
    example: "lese eine Webseite",
  },
  workSearch: {
    text: "searching the web",
    when: "the bot searches the web, in the progress line",
    example: "suche im Netz",
  },
  workCode: {
    text: "running code",
    when: "the bot runs a script, in the progress line",
    example: "rechne",
  },
  workImage: {
    text: "drawing",
    when: "the bot draws a picture, in the progress line",
    example: "zeichne",
  },
  workFiles: {
    text: "working on files",
    when: "the bot reads or writes files of its workspace, in the progress line",
    example: "arbeite an Dateien",
  },
} as const;
