/** `barnacle setup`: its options and help. */

import { type CliCommand, describeCommand } from "../../cli/help/command_help.ts";
import { COMMON, flag, path, text } from "../../cli/shared/command.ts";
import { EXAMPLE_NAMES } from "./answers/state.ts";
import type { SetupFlags } from "./setup.ts";

const list = (brief: string) => ({
  ...text(brief, "name"),
  variadic: ",",
  optional: true,
} as const);

/** Reads minutes. @throws {RangeError} If the text is no number of them. */
function toMinutes(typed: string): number {
  const minutes = Number(typed);
  if (typed.trim() !== "" && minutes >= 0 && minutes <= 1_440) return minutes;
  throw new RangeError(`"${typed}" is not a number of minutes from 0 to 1440`);
}

export const setup: CliCommand = describeCommand<SetupFlags>({
  brief: "Set the bot up: token, server, owner and model",
  notes: [
    "Asks on a terminal, tries each answer, and writes the config at the end. Escape goes back.",
    "Without a terminal, options and --answers have all answers; DISCORD_BOT_TOKEN or " +
    "--token-file has the token.",
  ],
  examples: [
    "barnacle setup",
    "barnacle setup --token-file token.txt --model ollama/qwen3:8b --yes",
    "barnacle setup --answers answers.jsonc",
    "barnacle setup --example many-agents",
  ],
  exits: {
    failed: "stopped, or the model does not answer as it should",
    usage: "invalid command line or answer",
    io: "disk error",
    tryAgain: "no server joined in time, or Discord does not answer",
    unreachable: true,
    refused: "Discord refused the token",
    config: true,
  },
  parameters: {
    flags: {
      ...COMMON,
      answers: path("File with answers (JSON with comments); - reads stdin"),
      example: {
        kind: "enum",
        values: EXAMPLE_NAMES,
        brief: "Begin the config with an example: its agents, router and channels",
        optional: true,
      },
      tokenFile: path("File with the bot token; - reads stdin"),
      server: list("Server in which the bot answers, by name or id, or none"),
      channels: list("Channels in which it answers, by name, server/name or id, or all"),
      owner: {
        ...text("Your username or ID, or me for the application's owner", "user"),
        optional: true,
      },
      model: { ...text("Model as <provider>/<model>, or none", "model"), optional: true },
      dailyLimit: {
        ...text('Daily limit of a paid model: dollars, "1000000 tokens", or none', "amount"),
        optional: true,
      },
      joinWait: {
        kind: "parsed",
        parse: toMinutes,
        brief: "Minutes to wait for the bot to join a server",
        placeholder: "minutes",
        default: "10",
      },
      yes: flag("Ask nothing: accept the defaults, enable intents, download a missing model"),
      dryRun: flag("Print the config in place of writing it"),
    },
  },
  async run(flags, io) {
    const { setUp } = await import("./setup.ts");
    const { code, runs } = await setUp(flags, io);
    if (!runs) return code;
    const { runInstead } = await import("./run_instead.ts");
    return await runInstead({ config: runs.config, data: flags.data }, io);
  },
});
