/** The commands that look at Barnacle and at its surroundings, with their options and help. */

import { type CliCommand, describeCommand } from "../../cli/help/command_help.ts";
import { ACCOUNT, BOT_COMMON, COMMON, flag, UNUSED_PATH } from "../../cli/shared/command.ts";
import type { DoctorFlags } from "./doctor.ts";
import type { StatusFlags } from "./status.ts";
import type { InviteFlags } from "./invite.ts";

export const status: CliCommand = describeCommand<StatusFlags>({
  brief: "Show the running bot: budgets, use, last answer, servers, model and problems",
  notes: [
    "--probe asks Discord for the bot's permissions in each channel, also without a running bot. Then the audit decides the exit code.",
  ],
  examples: ["barnacle status", "barnacle status --probe", "barnacle status --quiet"],
  exits: {
    done: "healthy, or warnings only",
    failed: "a check fails; with --probe, also: the bot cannot answer in an open channel",
    io: "the data directory cannot be read",
    tryAgain: "no running bot found, or it does not answer; with --probe: Discord does not answer",
  },
  parameters: {
    flags: {
      ...BOT_COMMON,
      verbose: flag("Print the checks that pass, too"),
      quiet: flag("Print one line with the checks that do not pass, for containers and monitors"),
      probe: flag("Audit the bot's permissions channel by channel, too"),
    },
  },
  run: async (flags, io) => (await import("./status.ts")).status(flags, io),
});

/** The parts of `barnacle doctor`, as `--only` names them. */
export const DOCTOR_PARTS = ["discord", "host", "mcp", "model"] as const;

export type DoctorPart = (typeof DOCTOR_PARTS)[number];

export const doctor: CliCommand = describeCommand<DoctorFlags>({
  brief: "Find out why the bot does not work, and how to fix it",
  notes: ["Safe to run beside a running bot."],
  examples: [
    "barnacle doctor",
    "barnacle doctor --network",
    "barnacle doctor --alerts",
    "barnacle doctor --only discord --fix",
  ],
  exits: {
    done: "no problems",
    failed: "a check failed",
    partly: "warnings only",
    refused: true,
    config: true,
  },
  parameters: {
    flags: {
      ...BOT_COMMON,
      only: {
        kind: "enum",
        values: DOCTOR_PARTS,
        variadic: ",",
        brief:
          "Check one part: the connection, token, intents and permissions; the disk, store and bot; " +
          "the MCP servers; or the model",
        placeholder: "part",
        optional: true,
      },
      network: flag(
        "Test the connection to Discord alone: DNS, TCP, TLS, HTTP, WebSocket; needs no token and no config",
      ),
      alerts: flag("Send a test alert to `alerts.webhook`, and check nothing else"),
      fix: flag("Enable missing intents in Discord's developer portal, after a question"),
      yes: flag("Answer yes to the question of --fix"),
    },
  },
  async run(flags, io) {
    return await (await import("./doctor.ts")).doctor(flags, io);
  },
});

export const invite: CliCommand = describeCommand<InviteFlags>({
  brief: "Print the link that adds the bot to a server",
  notes: ["Writes the link to stdout; the requested permissions, with reasons, to stderr."],
  examples: ["barnacle invite", "barnacle invite --external-emoji"],
  exits: { tryAgain: "application id unknown: Discord unreachable", refused: true, config: true },
  parameters: {
    flags: {
      ...COMMON,
      data: UNUSED_PATH,
      account: ACCOUNT,
      tools: flag(
        "Also ask for the permissions that the agent's tools need (channels.discord.actions)",
      ),
      externalEmoji: flag("Ask for emojis and stickers of other servers, too"),
    },
  },
  run: async (flags, io) => (await import("./invite.ts")).invite(flags, io),
});
