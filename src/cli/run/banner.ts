/**
 * Announces that the bot is online: its name, guilds and model, and where its files and health are.
 *
 * The log gets one event with these facts. On a terminal they are a few lines instead.
 */

import type { Online } from "../../bot.ts";
import type { Log } from "../../lib/log.ts";
import { printable } from "../../lib/text/quoted.ts";
import type { Io } from "../terminal/io.ts";

/** Guilds to name; the others are counted only. */
const MAX_NAMED = 5;

/**
 * Creates the function that announces an account.
 *
 * @param isForPeople Whether stderr is a terminal whose log is for people.
 * @returns Gets the account, and the base URL of the HTTP server if there is one.
 */
export function createBanner(
  { version, config, data }: {
    readonly version: string;
    /** Path of the config file; absent without one. */
    readonly config?: string;
    readonly data: string;
  },
  isForPeople: boolean,
  { log, io }: { readonly log: Log; readonly io: Pick<Io, "err" | "errStyle"> },
): (online: Online, http: string | undefined) => void {
  return ({ accountId, bot, guilds, models }, http) => {
    const name = printable(bot.username);
    const health = http === undefined ? undefined : `${http}/healthz`;
    if (!isForPeople) {
      return log.info("The bot is ready", {
        accountId,
        bot: name,
        botId: bot.userId,
        guilds: guilds.length,
        guildNames: guilds.slice(0, MAX_NAMED).map(printable),
        model: models.join(", "),
        ...(config !== undefined && { config }),
        data,
        ...(health !== undefined && { health }),
        version,
      });
    }
    const rows: readonly (readonly [term: string, text: string])[] = [
      ["guilds", guildsText(guilds)],
      [models.length === 1 ? "model" : "models", models.join(", ")],
      ["config", config ?? "none: environment variables only"],
      ["data", data],
      ["health", health ?? "no HTTP server"],
    ];
    const account = accountId === "default" ? "" : ` (account ${accountId})`;
    io.err(io.errStyle.bold(`${name} is ready${account}`) + `, Barnacle ${version}`);
    for (const [term, text] of rows) io.err(`  ${term.padEnd(8)}${text}`);
  };
}

/** `"2: Krill Co, Friends"`. */
function guildsText(guilds: readonly string[]): string {
  if (guilds.length === 0) return "none; `barnacle invite` prints the link that adds the bot";
  const rest = guilds.length - MAX_NAMED;
  const names = guilds.slice(0, MAX_NAMED).map(printable).join(", ");
  return `${guilds.length}: ${names}${rest > 0 ? ` and ${rest} more` : ""}`;
}
