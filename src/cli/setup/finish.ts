/** Ends a setup: greets the owner by direct message, and says how the bot runs, or starts it. */

import { homedir } from "node:os";
import { findDataDir } from "../../host/files/data_dir.ts";
import { printable } from "../../lib/text/quoted.ts";
import { send } from "../delivery/send.ts";
import type { CommonFlags } from "../shared/command.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { Io } from "../terminal/io.ts";
import { DialogueEnd } from "./ports/dialogue.ts";
import type { Desk } from "./steps/desk.ts";
import type { WholeAnswers } from "./answers/state.ts";

/** The end of a setup. */
export interface SetupEnd {
  readonly code: ExitCode;
  /** The config to run the bot with now, in this terminal; absent: not now. */
  readonly runs?: { readonly config: string };
}

/** Seconds in which Discord must take the greeting. */
const GREETING_SEC = 10;

/** Greets, asks how the bot shall run, and prints the result. */
export async function finish(
  answers: WholeAnswers,
  file: string,
  desk: Desk,
  flags: CommonFlags,
  io: Io,
): Promise<SetupEnd> {
  const { dialogue, given } = desk;
  await greet(answers, file, desk, flags, io);
  const start = given.take("start") ?? (dialogue.isInteractive ? await askStart(desk) : "later");
  if (flags.json) io.out(JSON.stringify({ ok: true, config: file, start }));
  dialogue.tell(
    "Done.  barnacle run · barnacle status · barnacle doctor · barnacle why <message link>\n" +
      `Write to it:  ${whereToWrite(answers)}`,
  );
  return { code: EXIT.done, runs: start === "here" ? { config: file } : undefined };
}

/** The files are written: an end of the dialogue here only leaves the bot stopped. */
async function askStart({ dialogue }: Desk): Promise<"here" | "later"> {
  try {
    return await dialogue.choose<"here" | "later">({
      key: "start",
      message: "How shall the bot run?",
      options: [
        { value: "here", label: "Start it now, in this terminal" },
        { value: "later", label: "Later: I start it myself" },
      ],
    });
  } catch (error) {
    if (error instanceof DialogueEnd) return "later";
    throw error;
  }
}

/** Sends the owner a first message, through the outbox, as the bot itself would. */
async function greet(
  answers: WholeAnswers,
  file: string,
  { dialogue }: Desk,
  flags: CommonFlags,
  io: Io,
): Promise<void> {
  const { owner } = answers;
  // Named, because a search for data would find the bots of other users, too.
  const dataDir = findDataDir({ env: io.env, home: homedir() });
  const problems: string[] = [];
  const quiet: Io = {
    ...io,
    out() {},
    err() {},
    problem: (message) => void problems.push(message),
    during: (_text, work) => work,
  };
  const sent = await dialogue.during("Sending you a first message", () =>
    send(
      { config: file, data: flags.data ?? dataDir, json: false, wait: GREETING_SEC },
      { target: `user:${owner.id}`, text: greetingOf(answers) },
      quiet,
      () => Promise.resolve(""),
    ));
  if (sent === EXIT.done) {
    return dialogue.ok(`Sent you a direct message on Discord, @${owner.name}`);
  }
  dialogue.warn(
    `No first direct message: ${printable(problems.join("; ") || "Discord does not answer")}. ` +
      "Your server's privacy settings may close direct messages; the bot works without",
  );
}

function greetingOf(answers: WholeAnswers): string {
  const { bot, owner } = answers;
  return `Hi ${owner.name}, I am ${bot.name}, and I am set up. Write to me ${
    whereToWrite(answers)
  }. ` +
    "As soon as I run, I answer.";
}

function whereToWrite({ places, bot }: WholeAnswers): string {
  const [first] = places;
  if (!first) return "here, in direct messages";
  const where = first.channels === "all" || first.channels === undefined
    ? first.name
    : `${first.name}, ${first.channels.slice(0, 3).map(({ name }) => `#${name}`).join(", ")}`;
  return `@${bot.name} hello, on ${where}; or in direct messages`;
}
