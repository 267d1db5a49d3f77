/**
 * Ends a setup: installs the service where that is possible, greets the owner by direct message, and
 * says how the bot runs.
 */

import { homedir } from "node:os";
import { findDataDir } from "../../host/files/data_dir.ts";
import { printable } from "../../lib/text/quoted.ts";
import { send } from "../delivery/send.ts";
import { installService, serviceOffer, servicePaths } from "../service/install.ts";
import type { CommonFlags } from "../shared/command.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import { toStartError } from "../shared/start_error.ts";
import type { Io } from "../terminal/io.ts";
import { secretFiles } from "./answers/config_text.ts";
import type { WholeAnswers } from "./answers/state.ts";
import { DialogueEnd } from "./ports/dialogue.ts";
import { secretText } from "./ports/write_files.ts";
import type { Desk } from "./steps/desk.ts";

/** The end of a setup. */
export interface SetupEnd {
  /** The command's exit code, unless the bot runs. */
  readonly code: ExitCode;
  /** The config to run the bot with now, in this terminal; absent: not now. */
  readonly runs?: { readonly config: string };
}

/** How the bot runs after the setup. */
type StartWay = "service" | "here" | "later";

/** A service that can be installed, or why there is none. */
type Offer = Awaited<ReturnType<typeof serviceOffer>>;

/** Says whether a service could run the bot as this shell would. */
export async function offerOf(io: Io): Promise<Offer> {
  return io.env["DISCORD_API_URL"]?.trim()
    ? { why: "a service does not have DISCORD_API_URL of this shell" }
    : await serviceOffer(io);
}

/** Seconds in which Discord must take the greeting. */
const GREETING_SEC = 10;

/** Asks how the bot shall run, does that, greets, and prints the result. */
export async function finish(
  answers: WholeAnswers,
  file: string,
  desk: Desk,
  flags: CommonFlags,
  io: Io,
): Promise<SetupEnd> {
  const { dialogue, given } = desk;
  const offer = await offerOf(io);
  const wanted = given.take("start") ??
    (dialogue.isInteractive ? await askStart(offer, desk) : "later");
  const installed = wanted === "service"
    ? await install(answers, file, offer, desk, flags, io)
    : { code: EXIT.done };
  await greet(answers, file, installed.dataDir ?? flags.data, desk, io);
  if (flags.json) {
    io.out(JSON.stringify({ ok: installed.code === EXIT.done, config: file, start: wanted }));
  }
  const run = installed.dataDir === undefined ? "barnacle run · " : "";
  dialogue.tell(
    `Done.  ${run}barnacle status · barnacle doctor · barnacle why <message link>\n` +
      `Write to it:  ${whereToWrite(answers)}`,
  );
  return { code: installed.code, runs: wanted === "here" ? { config: file } : undefined };
}

/** The files are written: an end of the dialogue here only leaves the bot stopped. */
async function askStart(offer: Offer, { dialogue }: Desk): Promise<StartWay> {
  const service = "target" in offer
    ? [{
      value: "service" as const,
      label: "As a service, which starts with the machine and after a crash",
      hint: offer.target,
    }]
    : [];
  try {
    return await dialogue.choose<StartWay>({
      key: "start",
      message: "How shall the bot run?",
      options: [
        ...service,
        { value: "here", label: "Start it now, in this terminal" },
        { value: "later", label: "Later: I start it myself" },
      ],
    });
  } catch (error) {
    if (error instanceof DialogueEnd) return "later";
    throw error;
  }
}

/** Installs the service. @returns Its data directory, if it runs. */
async function install(
  answers: WholeAnswers,
  file: string,
  offer: Offer,
  { dialogue }: Desk,
  { data }: CommonFlags,
  io: Io,
): Promise<{ readonly code: ExitCode; readonly dataDir?: string }> {
  if ("why" in offer) {
    dialogue.fail(`No service: ${offer.why}`);
    return { code: EXIT.failed };
  }
  const secrets = Object.fromEntries(
    secretFiles(answers).map(({ name, text }) => [name, secretText(text)]),
  );
  try {
    const own: Io = { ...io, out: (line) => dialogue.tell(line) };
    const code = await installService({ config: file, data, secrets, yes: true }, own);
    return { code, dataDir: data ?? servicePaths(offer.target, io).dataDir };
  } catch (error) {
    const { message, code } = toStartError(error);
    dialogue.fail(message);
    dialogue.tell("The config is written. Try again with `barnacle service install`");
    return { code };
  }
}

/** Sends the owner a first message, through the outbox, as the bot itself would. */
async function greet(
  answers: WholeAnswers,
  file: string,
  dataDir: string | undefined,
  { dialogue }: Desk,
  io: Io,
): Promise<void> {
  const { owner } = answers;
  // Named, because a search for data would find the bots of other users, too.
  const data = dataDir ?? findDataDir({ env: io.env, home: homedir() });
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
      { config: file, data, json: false, wait: GREETING_SEC },
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
  if (!first) return "in direct messages";
  const where = first.channels === "all" || first.channels === undefined
    ? first.name
    : `${first.name}, ${first.channels.slice(0, 3).map(({ name }) => `#${name}`).join(", ")}`;
  return `by \`@${bot.name} hello\` on ${where}, or in direct messages`;
}
