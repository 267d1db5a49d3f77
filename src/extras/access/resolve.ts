/**
 * `barnacle access resolve`: finds the ids of names in the config, and writes them there (P12).
 *
 * A running bot resolves names by itself. This command prints the ids, and with `--write` puts them
 * into the file, so that access no longer depends on names. Ids that the bot has resolved stay: a user
 * who took a name later does not match here, either.
 */

import { discordOf } from "./look_up.ts";
import type { Env } from "../../lib/env.ts";
import { type BotConfig } from "../../config/config.ts";
import type { ConfigText } from "../../config/parse.ts";
import { RestError } from "../../discord/rest/exchange/rest_error.ts";
import { replaceFile, WriteError } from "../../host/files/write_file.ts";
import { printable } from "../../lib/text/quoted.ts";
import { accessIn, type AccessView } from "../../cli/verdict/current_rules.ts";
import { inColumns, printLines } from "../../cli/shared/columns.ts";
import { openConfig } from "../../cli/config/write.ts";
import { EXIT, type ExitCode, StartError } from "../../cli/shared/exit_code.ts";
import type { AccountFlags } from "../../cli/shared/command.ts";
import type { Io } from "../../cli/terminal/io.ts";
import { checkConfig, tellRefused } from "../../cli/shared/read_config.ts";
import { whichAccount } from "../../cli/shared/which_account.ts";
import { configBefore } from "../../cli/shared/find_data.ts";
import { withStoreIfAny } from "../../cli/shared/with_store.ts";
import type { Store } from "../../store/store.ts";
import { parsePath } from "../../config/text/path.ts";
import { policiesIn } from "../../config/access.ts";
import { type Replacement, replaceWithComment } from "../../config/text/edit.ts";
import type { AccessPolicy, PlaceToolRules } from "../../policy/rules/rules.ts";
import { mappingsOf, type NameMapping } from "./names.ts";

export interface ResolveFlags extends AccountFlags {
  readonly write: boolean;
  /** Whether to skip requests to Discord. */
  readonly offline: boolean;
}

/** Prints the id of each name, and writes the ids on demand. */
export function accessResolve(flags: ResolveFlags, io: Io): Promise<ExitCode> {
  return withStoreIfAny(flags, io, async (store) => {
    const opened = openConfig(await configBefore(flags, io), io.env);
    const source = opened.kind === "opened" && opened.text !== undefined
      ? { file: opened.file, text: opened.text }
      : undefined;
    const loaded = opened.kind === "opened"
      ? await checkConfig(source, io.env, {
        insecurePermissions: !flags.write,
        isElsewhere: flags.offline,
      })
      : { kind: "refused" as const, problems: [opened.problem] };
    if (tellRefused(loaded, io)) return EXIT.config;
    const { config, text } = loaded;
    const views = await accessIn({ text }, () => []);
    const selected = flags.account === undefined
      ? views
      : views.filter(isAccount(whichAccount(config, flags.account).discord.accountId));
    const mappings: NameMapping[] = [];
    for (const view of selected) {
      const resolved = ofAccount(view, config, store, flags, io.env);
      mappings.push(...await io.during("Asking Discord", resolved));
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
): Promise<readonly NameMapping[]> {
  const discord = offline ? undefined : discordOf({ config, accountId, env });
  try {
    return await mappingsOf({ accountId, policy, store, discord, now: Date.now() });
  } catch (error) {
    if (!(error instanceof RestError)) throw error;
    const isRefused = error.kind === "unauthorized";
    throw new StartError(
      `cannot ask Discord for names: ${printable(error.message)}; ` +
        (isRefused ? "run `barnacle doctor`" : "try again, or use --offline"),
      isRefused ? EXIT.refused : EXIT.tryAgain,
      error,
    );
  } finally {
    discord?.stop();
  }
}

/**
 * Writes the ids.
 *
 * @param source The text from before the look-up: a rule is a place in that text.
 * @throws {StartError} If the file cannot be written, or has changed meanwhile; it stays unchanged.
 */
async function write(
  source: ConfigText | undefined,
  mappings: readonly NameMapping[],
): Promise<WrittenNames | undefined> {
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
  mappings: readonly NameMapping[],
  written: WrittenNames | undefined,
  { json }: ResolveFlags,
  io: Io,
): void {
  if (json) {
    io.out(JSON.stringify({ names: mappings, written: written?.written, left: written?.left }));
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
    resultText(mapping),
  ]);
  printLines(inColumns(rows), io);
  for (const { rule, why } of written?.left ?? []) {
    io.problem(`${printable(rule)} not replaced: ${printable(why)}`);
  }
  if (written && written.written.length > 0) {
    io.err(
      `Replaced ${written.written.length} names by ids; the previous file is kept as .bak`,
    );
  }
}

function resultText({ id, name, candidates = [], why = "" }: NameMapping): string {
  if (id !== undefined) return `${id} (${name ?? "?"})`;
  const those = candidates.map((candidate) => `${candidate.id} (${candidate.name})`).join(", ");
  return those === "" ? why : `${why}: ${those}`;
}

function exitCodeOf(mappings: readonly NameMapping[], written: WrittenNames | undefined): ExitCode {
  const isOpen = mappings.some(({ id }) => id === undefined) || (written?.left.length ?? 0) > 0;
  return isOpen ? EXIT.partly : EXIT.done;
}

interface WrittenNames {
  readonly text: string;
  /** Config paths of the replaced entries. */
  readonly written: readonly string[];
  /** Entries with one match that nevertheless stay names. */
  readonly left: readonly { readonly rule: string; readonly why: string }[];
}

interface Change {
  readonly rule: string;
  readonly to: Replacement;
  readonly comment: string;
}

/**
 * Replaces all names that have exactly one match.
 *
 * @param text The file's current text.
 */
export async function withIds(
  text: string,
  file: string,
  mappings: readonly NameMapping[],
): Promise<WrittenNames> {
  const left: { readonly rule: string; readonly why: string }[] = [];
  const written: string[] = [];
  let now = text;
  for (const { rule, to, comment } of changesOf(mappings, left)) {
    const at = parsePath(rule);
    const edited = at.kind === "path"
      ? replaceWithComment(now, at.path, to, comment)
      : { kind: "refused" as const, message: at.message };
    if (edited.kind === "refused") {
      left.push({ rule, why: edited.message });
    } else if (await keepsEntries(now, edited.text, file)) {
      now = edited.text;
      written.push(rule);
    } else {
      left.push({
        rule,
        why: "an account overrides keys below this name; write the id in both places",
      });
    }
  }
  return { text: now, written, left };
}

/** The deepest first: a replaced key changes the paths of all keys below it. */
function changesOf(
  mappings: readonly NameMapping[],
  left: { readonly rule: string; readonly why: string }[],
): readonly Change[] {
  const byRule = Map.groupBy(mappings, ({ rule }) => rule);
  const changes: Change[] = [];
  for (const [rule, matches] of byRule) {
    const [first] = matches;
    if (first?.id === undefined || matches.some(({ id }) => id === undefined)) continue;
    const { id, kind, typed, isKey } = first;
    if (matches.some((match) => match.id !== id)) {
      left.push({ rule, why: "it has a different id in each guild or account" });
      continue;
    }
    const entry = kind === "role" ? `role:${id}` : id;
    const isValue = (kind === "user" || kind === "role") && !isKey;
    changes.push({ rule, to: isValue ? { value: entry } : { key: entry }, comment: typed });
  }
  return changes.sort((a, b) => b.rule.length - a.rule.length);
}

/**
 * Tests whether each account keeps its number of entries. An account that inherits part of an entry
 * by name would lose that part if the key became an id.
 */
async function keepsEntries(before: string, after: string, file: string): Promise<boolean> {
  const sizesOf = async (text: string): Promise<string> =>
    JSON.stringify(
      (await policiesIn(text, file)).map(({ accountId, access }) => [accountId, sizeOf(access)]),
    );
  const size = await sizesOf(after);
  return size !== "[]" && size === await sizesOf(before);
}

/** Numbers of guilds, of channels in each, and of senders with own tools. */
function sizeOf({ guilds = {} }: AccessPolicy): readonly (readonly number[])[] {
  const senders = ({ toolsBySender = [] }: PlaceToolRules): number => toolsBySender.length;
  return Object.values(guilds).map((guild) => [
    senders(guild),
    ...Object.values(guild.channels ?? {}).map(senders),
  ]);
}
