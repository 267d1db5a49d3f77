/**
 * `barnacle access resolve`: which ids the names in the config are (P12).
 *
 * The bot finds them itself once it runs, and goes by them; this says which, and with `--write` puts
 * them into the file, so that nobody has to trust a name any more. What the bot has found stays what
 * it is: who took a name since then is a stranger here, too.
 *
 * @module
 */

import { type BotConfig, forAccount } from "../../config/config.ts";
import type { ConfigText } from "../../config/parse.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { replaceFile, WriteError } from "../../host/files/write_file.ts";
import { printable } from "../../lib/text/quoted.ts";
import type { Store } from "../../store/store.ts";
import { type Mapping, mappingsOf } from "./names.ts";
import { accessIn, type AccessView } from "../verdict/rules_with_lines.ts";
import { withIds, type Written } from "./write_ids.ts";
import { inColumns } from "../shared/columns.ts";
import { openConfig } from "../config/write.ts";
import { apiOf, type Discord, openDiscord, tokenIn } from "../shared/discord.ts";
import { EXIT, type ExitCode } from "../shared/exit_code.ts";
import type { CommonFlags } from "../shared/flags.ts";
import type { Env, Io } from "../terminal/io.ts";
import { checkConfig, shown } from "../shared/read_config.ts";
import { StartError } from "../shared/start_error.ts";
import { whichAccount } from "../shared/which_account.ts";
import { withStore } from "../shared/with_store.ts";

export interface ResolveFlags extends CommonFlags {
  /** One account's only. */
  readonly account?: string;
  readonly write: boolean;
  readonly offline: boolean;
}

export function accessResolve(flags: ResolveFlags, io: Io): Promise<ExitCode> {
  return withStore(flags, io, async (store) => {
    const opened = openConfig(flags.config, io.env);
    const source = opened.kind === "opened" && opened.text !== undefined
      ? { file: opened.file, text: opened.text }
      : undefined;
    const loaded = opened.kind === "opened"
      ? await checkConfig(source, io.env, {
        insecurePermissions: !flags.write,
        isElsewhere: flags.offline,
      })
      : { kind: "refused" as const, problems: [opened.problem] };
    if (loaded.kind === "refused") {
      io.err(shown(loaded.problems, io));
      return EXIT.config;
    }
    const { config, text } = loaded;
    const views = await accessIn({ ...(text !== undefined && { text }) }, () => []);
    const asked = flags.account === undefined
      ? views
      : views.filter(isAccount(whichAccount(config, flags.account).discord.accountId));
    const mappings: Mapping[] = [];
    for (const view of asked) {
      const found = io.during("Asking Discord", ofAccount(view, config, store, flags, io.env));
      mappings.push(...await found);
    }
    const written = flags.write ? await write(source, mappings) : undefined;
    print(mappings, written, flags, io);
    return exitCodeOf(mappings, written);
  });
}

const isAccount = (accountId: AccessView["accountId"]) => (view: AccessView): boolean =>
  view.accountId === accountId;

async function ofAccount(
  { accountId, policy }: AccessView,
  config: BotConfig,
  store: Store | undefined,
  { offline }: ResolveFlags,
  env: Env,
): Promise<readonly Mapping[]> {
  const discord = offline ? undefined : discordOf(config, accountId, env);
  try {
    return await mappingsOf({ accountId, policy, store, discord, now: Date.now() });
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    const isRefused = error.kind === "unauthorized";
    throw new StartError(
      `Discord does not say who is who: ${printable(error.message)}; ` +
        (isRefused ? "see `barnacle doctor`" : "try again, or with --offline"),
      isRefused ? EXIT.refused : EXIT.tryAgain,
      error,
    );
  } finally {
    discord?.stop();
  }
}

/** Discord, where the account has a token that a request can carry. */
function discordOf(
  config: BotConfig,
  accountId: AccessView["accountId"],
  env: Env,
): Discord | undefined {
  const api = apiOf(env);
  const account = config.accounts.find((one) => one.accountId === accountId);
  const token = account && tokenIn(forAccount(config, account));
  return token === undefined || "problem" in api ? undefined : openDiscord(token, api.base);
}

/**
 * @param source As it was read before the names were looked for: a rule is a place in that text.
 * @throws {StartError} If the file cannot be written, or is another by now; it is as it was then.
 */
async function write(
  source: ConfigText | undefined,
  mappings: readonly Mapping[],
): Promise<Written | undefined> {
  if (source === undefined || mappings.length === 0) return undefined;
  const { file, text } = source;
  const written = await withIds(text, file, mappings);
  if (written.text === text) return written;
  try {
    replaceFile({ path: file, text: written.text, expected: text });
    return written;
  } catch (error) {
    if (!(error instanceof WriteError)) throw error;
    throw new StartError(
      printable(error.message),
      error.kind === "changed" ? EXIT.tryAgain : EXIT.io,
      error,
    );
  }
}

function print(
  mappings: readonly Mapping[],
  written: Written | undefined,
  { json }: ResolveFlags,
  io: Io,
): void {
  if (json) {
    io.out(JSON.stringify({
      names: mappings,
      ...(written && { written: written.written, left: written.left }),
    }));
    return;
  }
  if (mappings.length === 0) io.err("No names to resolve: all entries are ids.");
  const accounts = new Set(mappings.map(({ accountId }) => accountId));
  const rows = mappings.map((mapping) => [
    mapping.id === undefined ? "NO" : "ok",
    ...(accounts.size > 1 ? [mapping.accountId] : []),
    mapping.kind,
    mapping.typed,
    mapping.rule,
    whatText(mapping),
  ]);
  for (const line of inColumns(rows)) io.out(line);
  for (const { rule, why } of written?.left ?? []) {
    io.problem(`${printable(rule)} not replaced: ${printable(why)}`);
  }
  if (written && written.written.length > 0) {
    io.err(`Replaced ${written.written.length} names by ids; the previous file is kept as .bak`);
  }
}

function whatText({ id, name, candidates = [], why = "" }: Mapping): string {
  if (id !== undefined) return `${id} (${name ?? "?"})`;
  const those = candidates.map((one) => `${one.id} (${one.name})`).join(", ");
  return those === "" ? why : `${why}: ${those}`;
}

function exitCodeOf(mappings: readonly Mapping[], written: Written | undefined): ExitCode {
  const isOpen = mappings.some(({ id }) => id === undefined) || (written?.left.length ?? 0) > 0;
  return isOpen ? EXIT.partly : EXIT.done;
}
