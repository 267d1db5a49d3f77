/**
 * `barnacle invite`: the link by which somebody's guild gets the bot.
 *
 * @module
 */

import { ask } from "../../bot/preflight/examine.ts";
import { missingToken } from "../../config/load.ts";
import type { ApplicationId } from "../../core/discord/ids.ts";
import {
  applicationIdIn,
  INVITE_PERMISSIONS,
  invitePermissions,
  inviteUrl,
} from "../../core/discord/invite.ts";
import { schedule } from "../../lib/schedule.ts";
import { apiOf, ASK_MS, openDiscord, tokenIn } from "../shared/discord.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { CommonFlags } from "../shared/flags.ts";
import type { Io } from "../shared/io.ts";
import { readConfig, shown } from "../shared/read_config.ts";
import { toStartError } from "../shared/start_error.ts";
import { whichAccount } from "../shared/which_account.ts";

export interface InviteFlags extends CommonFlags {
  readonly account?: string;
}

/** Prints the URL alone to stdout, so that it can be piped; what it asks for goes to stderr. */
export async function invite(
  flags: InviteFlags,
  io: Io,
): Promise<ExitCode> {
  try {
    return await print(flags, io);
  } catch (error) {
    const { message, code } = toStartError(error);
    io.err(`barnacle: ${message}`);
    return code;
  }
}

async function print(flags: InviteFlags, io: Io): Promise<ExitCode> {
  const loaded = await readConfig(flags.config, io.env, true);
  if (loaded.kind === "refused") {
    io.err(shown(loaded.problems, io));
    return EXIT.config;
  }
  const config = whichAccount(loaded.config, flags.account);
  const missing = missingToken(config);
  const token = tokenIn(config);
  const api = apiOf(io.env);
  if (missing || token === undefined || "problem" in api) {
    io.err(
      `barnacle: ${
        "problem" in api ? api.problem : missing?.message ?? "The bot token cannot be one"
      }` + (missing?.hint === undefined ? "" : `; ${missing.hint}`),
    );
    return EXIT.config;
  }
  const found = await idOf(token, api.base);
  if (found.kind === "refused") {
    io.err("barnacle: Discord refuses the bot token; `barnacle doctor` says what to do");
    return EXIT.refused;
  }
  if (found.kind === "unknown") {
    io.err(`barnacle: Discord does not tell whose the token is: ${found.why}`);
    return EXIT.tryAgain;
  }
  const url = inviteUrl(found.id);
  if (flags.json) {
    const permissions = invitePermissions();
    io.out(JSON.stringify({ url, applicationId: found.id, permissions }));
    return EXIT.done;
  }
  for (const { name, why } of INVITE_PERMISSIONS) io.err(`${name.padEnd(26)}${why}`);
  if (found.isGuess) {
    io.err("Discord could not be asked, so the application's id is that of the token.");
  }
  io.out(url);
  return EXIT.done;
}

type FoundId =
  | { readonly kind: "found"; readonly id: ApplicationId; readonly isGuess: boolean }
  | { readonly kind: "refused" }
  | { readonly kind: "unknown"; readonly why: string };

/** Discord knows best; a token says almost as well, without a network. */
async function idOf(token: string, apiUrl: string): Promise<FoundId> {
  const discord = openDiscord(token, apiUrl);
  try {
    const asked = await ask(() => discord.applications.me(), { schedule, timeoutMs: ASK_MS });
    if (asked.kind === "answered") return { kind: "found", id: asked.found.id, isGuess: false };
    if (asked.kind === "refused") return asked;
    const id = applicationIdIn(token);
    return id === undefined
      ? { kind: "unknown", why: asked.why }
      : { kind: "found", id, isGuess: true };
  } finally {
    discord.stop();
  }
}
