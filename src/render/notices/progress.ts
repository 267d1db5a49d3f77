/**
 * Notices about running work: the progress line and its button.
 *
 * @module
 */

/** Notices about running work: the progress line and its button. */
export const PROGRESS_NOTICES = {
  stopped: {
    text: "Stopped.",
    when: "a person stops the bot's work",
    example: "Schon aufgehört.",
  },
  nothingToStop: {
    text: "There is nothing to stop: no work of yours is running or waiting here.",
    when: "a person stops the bot, and it has nothing to do",
    example: "Hier läuft nichts von dir.",
  },
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
