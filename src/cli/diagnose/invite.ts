/** `barnacle invite`: prints the link that adds the bot to a guild. */

import { ask } from "../../bot/preflight/examine.ts";
import { missingToken } from "../../config/load.ts";
import { titled } from "../../core/checks.ts";
import type { Finding } from "../../core/finding.ts";
import type { ApplicationId } from "../../core/discord/ids.ts";
import {
  applicationIdIn,
  dialogueName,
  type InviteOptions,
  invitePermissions,
  inviteUrl,
  permissionsToAsk,
} from "../../core/invite.ts";
import { apiOf, ASK_MS, openDiscord, tokenIn } from "../shared/discord.ts";
import { exitCodeOf } from "../shared/columns.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { AccountFlags } from "../shared/command.ts";
import type { Io } from "../terminal/io.ts";
import { readConfig, tellRefused } from "../shared/read_config.ts";
import { toStartError } from "../shared/start_error.ts";
import { whichAccount } from "../shared/which_account.ts";

/** Options of `invite`. */
export interface InviteFlags extends AccountFlags {
  /** Whether to ask for the permissions that the open tool gates need. */
  readonly tools: boolean;
  /** Whether to ask for emojis and stickers of other servers. */
  readonly externalEmoji: boolean;
}

/** Prints the URL to stdout, for pipes, and the requested permissions to stderr. */
export async function invite(
  flags: InviteFlags,
  io: Io,
): Promise<ExitCode> {
  try {
    return await print(flags, io);
  } catch (error) {
    const { message, code } = toStartError(error);
    io.problem(`${message}`);
    return code;
  }
}

async function print(flags: InviteFlags, io: Io): Promise<ExitCode> {
  const loaded = await readConfig(flags.config, io.env, true);
  if (tellRefused(loaded, io)) return EXIT.config;
  const config = whichAccount(loaded.config, flags.account);
  const missing = missingToken(config);
  const token = tokenIn(config);
  const api = apiOf(io.env);
  if (missing || token === undefined || "problem" in api) {
    const problem = "problem" in api ? api.problem : missing?.message ?? "The bot token is invalid";
    return refuse(
      { ...titled("config.token"), status: "fail", why: problem, fix: missing?.hint },
      io,
    );
  }
  const application = await io.during("Asking Discord", idOf(token, api.base));
  if (application.kind === "refused") {
    const why = "Discord rejects the bot token";
    return refuse(
      { ...titled("discord.token"), status: "fail", why, fix: "run `barnacle doctor`" },
      io,
    );
  }
  if (application.kind === "unknown") {
    io.problem(`cannot find out the application id: ${application.why}`);
    return EXIT.tryAgain;
  }
  const options: InviteOptions = {
    gates: flags.tools ? config.discord.access.tools.openGates : [],
    externalEmoji: flags.externalEmoji,
  };
  const url = inviteUrl(application.id, options);
  if (flags.json) {
    const permissions = invitePermissions(options);
    io.out(JSON.stringify({ url, applicationId: application.id, permissions }));
    return EXIT.done;
  }
  for (const { permission, why } of permissionsToAsk(options)) {
    io.err(`${dialogueName(permission).padEnd(26)}${why}`);
  }
  if (application.isFromToken) {
    io.err("Discord is unreachable, so the application id comes from the token.");
  }
  io.out(url);
  return EXIT.done;
}

function refuse(finding: Finding, io: Io): ExitCode {
  const { why, fix } = finding;
  io.problem(fix === undefined ? why : `${why}; ${fix}`);
  return exitCodeOf([finding]);
}

type ApplicationIdResult =
  | { readonly kind: "found"; readonly id: ApplicationId; readonly isFromToken: boolean }
  | { readonly kind: "refused" }
  | { readonly kind: "unknown"; readonly why: string };

/** Asks Discord; without a network, the token contains the id in almost all cases. */
async function idOf(token: string, apiUrl: string): Promise<ApplicationIdResult> {
  const discord = openDiscord(token, apiUrl);
  try {
    const answer = await ask(() => discord.applications.me(), ASK_MS);
    if (answer.kind === "answered") {
      return { kind: "found", id: answer.found.id, isFromToken: false };
    }
    if (answer.kind === "refused") return answer;
    const id = applicationIdIn(token);
    return id === undefined
      ? { kind: "unknown", why: answer.why }
      : { kind: "found", id, isFromToken: true };
  } finally {
    discord.stop();
  }
}
