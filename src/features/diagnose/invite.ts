/** `barnacle invite`: prints the link that adds the bot to a guild. */

import { ask } from "../../flows/preflight/examine.ts";
import { type Application, askApplication } from "../../discord/rest/requests/application.ts";
import { judgeToken, type ProbeAnswer } from "../../flows/preflight/discord.ts";
import {
  applicationIdIn,
  dialogueName,
  type InviteOptions,
  invitePermissions,
  inviteUrl,
  permissionsToAsk,
} from "../../core/invite.ts";
import { botOf, openDiscord } from "../../cli/shared/discord.ts";
import { exitCodeOf } from "../../cli/shared/columns.ts";
import { EXIT, type ExitCode } from "../../cli/shared/exit_code.ts";
import type { AccountFlags } from "../../cli/shared/command.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { readConfig, tellRefused } from "../../cli/shared/read_config.ts";
import { reportingErrors } from "../../cli/shared/start_error.ts";
import { whichAccount } from "../../cli/shared/with_store.ts";
import { shapeOfToken } from "../../core/discord/ids.ts";

export interface InviteFlags extends AccountFlags {
  /** Whether to ask for the permissions that the open tool gates need. */
  readonly tools: boolean;
  /** Whether to ask for emojis and stickers of other servers. */
  readonly externalEmoji: boolean;
}

/** Prints the URL to stdout, for pipes, and the requested permissions to stderr. */
export function invite(flags: InviteFlags, io: Io): Promise<ExitCode> {
  return reportingErrors(io, () => print(flags, io));
}

async function print(flags: InviteFlags, io: Io): Promise<ExitCode> {
  const loaded = await readConfig(flags.config, io.env);
  if (tellRefused(loaded, io)) return EXIT.config;
  const config = whichAccount(loaded.config, flags.account);
  const { token, apiBase } = botOf(config, loaded.problems, io.env);
  const application = await io.during("Asking Discord", applicationOf(token, apiBase));
  const { tokenPlace } = config.discord;
  const facts = { application, tokenPlace, tokenShape: shapeOfToken(token) };
  const found = judgeToken(facts);
  if (found.status === "fail") {
    io.problem(`${found.why}; ${found.fix}`);
    return exitCodeOf([found]);
  }
  const isFromToken = application.kind !== "answered";
  const id = isFromToken ? applicationIdIn(token) : application.found.id;
  if (id === undefined) {
    io.problem(`cannot find out the application id: ${found.why}`);
    return EXIT.tryAgain;
  }
  const options: InviteOptions = {
    gates: flags.tools ? config.discord.access.tools.openGates : [],
    externalEmoji: flags.externalEmoji,
    voice: config.voice !== undefined,
  };
  const url = inviteUrl(id, options);
  if (flags.json) {
    const permissions = invitePermissions(options);
    io.out(JSON.stringify({ url, applicationId: id, permissions }));
    return EXIT.done;
  }
  for (const { permission, why } of permissionsToAsk(options)) {
    io.err(`${dialogueName(permission).padEnd(26)}${why}`);
  }
  if (isFromToken) {
    io.err("Discord is unreachable, so the application id comes from the token.");
  }
  io.out(url);
  return EXIT.done;
}

async function applicationOf(token: string, apiUrl: string): Promise<ProbeAnswer<Application>> {
  const discord = openDiscord(token, apiUrl);
  try {
    return await ask(() => askApplication(discord.api));
  } finally {
    discord.stop();
  }
}
