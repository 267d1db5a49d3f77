/**
 * Ends a setup: installs the service where that is possible, greets the owner by direct message if
 * the bot runs then, and says how it runs.
 */

import { printable } from "../../lib/text/quoted.ts";
import type { OpenedConfig } from "../../cli/config/write.ts";
import type { CommonFlags } from "../../cli/shared/command.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import { toStartError } from "../../cli/shared/start_error.ts";
import { secretFiles } from "./answers/config_text.ts";
import type { WholeAnswers } from "./answers/state.ts";
import { DialogueEnd } from "./ports/dialogue.ts";
import type { BotPlace, OfferedService } from "./ports/own_commands.ts";
import { secretText } from "./ports/write_files.ts";
import type { SetupPorts } from "./steps/setup_ports.ts";

export interface SetupEnd {
  /** The command's exit code, unless the bot runs. */
  readonly code: ExitCode;
  /** How the bot shall run; absent if nothing was written. */
  readonly start?: StartWay;
  /** The config to run the bot with now, in this terminal; absent: not now. */
  readonly runs?: { readonly config: string };
}

/** How the bot runs after the setup. */
export type StartWay = "service" | "here" | "later";

/** Asks how the bot shall run, does that, and greets. */
export async function finish(
  answers: WholeAnswers,
  { file, text }: OpenedConfig,
  ports: SetupPorts,
  { config, data }: Pick<CommonFlags, "config" | "data">,
): Promise<SetupEnd> {
  const { dialogue } = ports;
  const offer = await ports.commands.offer();
  const start = await askStart(offer, ports);
  const place = { config: file, data };
  const installed = start === "service" && "name" in offer
    ? await install(answers, place, offer, ports)
    : { code: EXIT.done };
  const running = { config: file, data: installed.dataDir ?? data };
  if (text === undefined) await instruct(running, ports);
  if (installed.dataDir !== undefined) await greet(answers, running, ports);
  const options = (config === undefined ? "" : ` --config ${file}`) +
    (data === undefined ? "" : ` --data ${data}`);
  const { program } = ports.commands;
  const ways = installed.dataDir === undefined
    ? [`run${options}`, ..."name" in offer ? [`service install${options}`] : []]
    : [];
  const next = [...ways, "status", "dashboard", "doctor", "why <message link>"];
  dialogue.tell(
    `Done.  ${next.map((command) => `${program} ${command}`).join(" · ")}\n` +
      `Write to it:  ${whereToWrite(answers)}`,
  );
  const runs = start === "here" ? { config: file } : undefined;
  return { code: installed.code, start, runs };
}

/** The files are written: an end of the dialogue here only leaves the bot stopped. */
async function askStart(
  offer: OfferedService | { readonly why: string },
  { dialogue }: SetupPorts,
): Promise<StartWay> {
  const service = "name" in offer
    ? [{
      value: "service" as const,
      label: "As a service, which starts with the machine and after a crash",
      hint: offer.name,
    }]
    : [];
  try {
    return await dialogue.choose<StartWay>({
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
  place: BotPlace,
  offer: OfferedService,
  ports: SetupPorts,
): Promise<{ readonly code: ExitCode; readonly dataDir?: string }> {
  const { dialogue, commands } = ports;
  const secrets = Object.fromEntries(
    secretFiles(answers, ports.present).map(({ name, text }) => [name, secretText(text)]),
  );
  try {
    const code = await commands.install(place, secrets);
    return { code, dataDir: place.data ?? offer.dataDir };
  } catch (error) {
    const { message, code } = toStartError(error);
    dialogue.fail(message);
    dialogue.tell("The config is written. Try again with `barnacle service install`");
    return { code };
  }
}

/** Gives the agent of a new bot its first instructions; it works without them, too. */
async function instruct(place: BotPlace, { dialogue, commands }: SetupPorts): Promise<void> {
  const written = await commands.instruct(place);
  if (!written) return;
  if ("folder" in written) {
    dialogue.ok(
      `Wrote AGENTS.md and SOUL.md to ${printable(written.folder)}: ` +
        "the agent's instructions, for you to edit",
    );
  } else dialogue.warn(`No AGENTS.md and SOUL.md: ${printable(written.why)}`);
}

/** Sends the owner a first message, through the outbox, as the bot itself would. */
async function greet(
  answers: WholeAnswers,
  place: BotPlace,
  { dialogue, commands }: SetupPorts,
): Promise<void> {
  const { bot, owner } = answers;
  const text = `Hi ${owner.name}, I am ${bot.name}, and I am set up. ` +
    `Write to me ${whereToWrite(answers)}.`;
  const why = await dialogue.during(
    "Sending you a first message",
    () => commands.greet(owner, text, place),
  );
  if (why === undefined) {
    return dialogue.ok(`Sent you a direct message on Discord, @${owner.name}`);
  }
  dialogue.warn(
    `No first direct message: ${printable(why)}. ` +
      "Your server's privacy settings may close direct messages; the bot works without",
  );
}

function whereToWrite({ places, bot }: WholeAnswers): string {
  const [first] = places;
  if (!first) return "in direct messages";
  const where = first.channels === "all" || first.channels === undefined
    ? first.name
    : `${first.name}, ${first.channels.slice(0, 3).map(({ name }) => `#${name}`).join(", ")}`;
  return `by \`@${bot.name} hello\` on ${where}, or in direct messages`;
}
