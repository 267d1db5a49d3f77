/**
 * Notices about running work: the progress line and its button.
 *
 * @module
 */

import type { Notice } from "./notice.ts";

/** Notices about running work: the progress line and its button. */
export const PROGRESS_NOTICES = {
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
  workAsk: {
    text: "asking a question",
    when: "the bot asks a person, in the progress line",
    placeholders: {},
  },
  workDiscord: {
    text: "working on Discord",
    when: "the bot reads or writes messages, threads and the like, in the progress line",
    placeholders: {},
  },
  workExec: {
    text: "running a command",
    when: "the bot runs a command, in the progress line",
    placeholders: {},
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
} as const satisfies Readonly<Record<string, Notice>>;
