/**
 * Reads access rules with the line of each, and prints the checks of a decision, passed or failed, with
 * fact and rule (P1).
 *
 * The rules are the current ones, of the config with names and pairings of the store, or those of a
 * recorded text: `barnacle why` explains an old decision by the rules of that time.
 */

import { dirname, isAbsolute, relative, sep } from "node:path";
import { policiesIn } from "../../config/access.ts";
import type { BotConfig } from "../../config/config.ts";
import type { Problem } from "../../config/text/problem.ts";
import { positionsIn } from "../../config/text/edit.ts";
import type { AccountId, UserId } from "../../core/discord/ids.ts";
import type { Explanation, VerdictCheck } from "../../core/inbound/inbox.ts";
import type { ResolvedName } from "../../core/names.ts";
import { printable } from "../../lib/text/quoted.ts";
import { withNames } from "../../policy/rules.ts";
import type { AccessPolicy } from "../../policy/rules.ts";
import { displayWidth } from "../../render/markdown/chunk.ts";
import type { Store } from "../../store/store.ts";
import { padToWidth } from "../shared/columns.ts";
import { readConfigLeniently } from "../shared/read_config.ts";
import type { Io, Style } from "../terminal/io.ts";

/** A config file; without one, an empty config. */
export interface ConfigSource {
  /** Path of the file. */
  readonly file?: string;
  /** The text, secrets blanked. */
  readonly text?: string;
}

/** The place of a rule; for a rule that is not in the file, of the nearest key above it. */
export interface RulePlace {
  readonly file: string;
  /** Line, from 1. */
  readonly line: number;
  /** Column, from 1. */
  readonly column: number;
}

/** Finds the place of a rule by its config path. */
export type PlaceOf = (rule: string) => RulePlace | undefined;

export interface AccessView {
  readonly accountId: AccountId;
  /** Known names are replaced by ids. */
  readonly policy: AccessPolicy;
  readonly placeOf: PlaceOf;
}

/**
 * Reads the rules of every account.
 *
 * @param namesOf Resolved names of an account (P12).
 */
export async function accessIn(
  source: ConfigSource,
  namesOf: (accountId: AccountId) => readonly ResolvedName[] | Promise<readonly ResolvedName[]>,
): Promise<readonly AccessView[]> {
  const { file, text } = source;
  const placeOf = placesIn(source);
  const views: AccessView[] = [];
  for (const { accountId, access } of await policiesIn(text, file)) {
    views.push({ accountId, policy: withNames(access, await namesOf(accountId)), placeOf });
  }
  return views;
}

/** Finds rules in a text; finds nothing without a file. */
function placesIn({ file, text }: ConfigSource): PlaceOf {
  if (file === undefined || text === undefined) return () => undefined;
  const positionOf = positionsIn(text);
  return (rule) => {
    const position = positionOf(rule);
    return position && { file, ...position };
  };
}

/**
 * `"channels.discord.dm.policy, config.jsonc:7"`
 *
 * @param cwd The path is relative to it if it is below; absent: it is the name of the file alone.
 */
export function ruleText(rule: string, place: RulePlace | undefined, cwd?: string): string {
  return place
    ? `${rule}, ${shortened(place.file, cwd ?? dirname(place.file))}:${place.line}`
    : rule;
}

function shortened(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path === "" || path.startsWith(`..${sep}`) || path === ".." || isAbsolute(path)
    ? file
    : path;
}

export interface ReadAccess {
  readonly kind: "read";
  readonly config: BotConfig;
  /** One per account of the config, with or without a token. */
  readonly views: readonly AccessView[];
  isPaired(accountId: AccountId, userId: UserId): boolean;
}

/** The rules, or the config's problems. */
export type AccessNow =
  | ReadAccess
  | { readonly kind: "refused"; readonly problems: readonly Problem[] };

/**
 * Reads config and store.
 *
 * @param flag Value of `--config`.
 */
export async function accessNow(
  flag: string | undefined,
  { env }: Io,
  store: Store,
): Promise<AccessNow> {
  const loaded = await readConfigLeniently(flag, env);
  if (loaded.kind === "refused") return { kind: "refused", problems: loaded.problems };
  return await accessBy(loaded, store);
}

/** The rules of a config that was read. */
export async function accessBy(
  { config, text }: { readonly config: BotConfig; readonly text?: string },
  store: Store,
): Promise<ReadAccess> {
  const views = await accessIn(
    { file: config.file, text },
    (accountId) => store.pairing.namesOf(accountId),
  );
  const paired = new Set<string>();
  for (const { accountId } of views) {
    for (const { userId } of await store.pairing.paired(accountId)) {
      paired.add(`${accountId} ${userId}`);
    }
  }
  return {
    kind: "read",
    config,
    views,
    isPaired: (accountId, userId) => paired.has(`${accountId} ${userId}`),
  };
}

/** Says that the rules are the defaults, because there is no config file. */
export function tellDefaults({ config }: ReadAccess, io: Io): void {
  if (config.file !== undefined) return;
  io.err(
    "There is no config file here, so the rules of today are the defaults; " +
      "`--config <file>` names the bot's config.",
  );
}

export interface PlacedCheck extends VerdictCheck {
  /** Absent if there is no config file. */
  readonly place?: RulePlace;
}

export function placedChecks(
  { checks }: Pick<Explanation, "checks">,
  placeOf: PlaceOf,
): readonly PlacedCheck[] {
  return checks.map((check) => {
    const place = placeOf(check.rule);
    return { ...check, place };
  });
}

/** How checks are shown. */
export interface CheckStyle {
  /** Style of the words ok and NO. */
  readonly style: Style;
  /** Absolute path of the working directory; paths of files below it are relative. */
  readonly cwd: string;
}

const MARKS = {
  true: { word: "ok", colour: "green" },
  false: { word: "NO", colour: "red" },
} as const;
const INDENT = "  ";

/** One line per check: `"  ok  guild    Friends is listed  (channels.discord.guilds, …:9)"`. */
export function checkLines(
  checks: readonly PlacedCheck[],
  { style, cwd }: CheckStyle,
): readonly string[] {
  const width = Math.max(0, ...checks.map(({ id }) => displayWidth(id)));
  return checks.map(({ id, passed, fact, rule, place }) => {
    const { word, colour } = MARKS[`${passed}`];
    const mark = style[colour](word);
    const text = `${padToWidth(id, width)}  ${printable(fact)}`;
    return `${INDENT}${mark}  ${text}  (${printable(ruleText(rule, place, cwd))})`;
  });
}

/** Turns a sentence into a phrase; names keep their capitals. */
export function asPhrase(sentence: string): string {
  const body = sentence.replace(/\.$/, "");
  return /^(?:Barnacle|Discord|PluralKit)\b/.test(body)
    ? body
    : body.replace(/^./u, (a) => a.toLowerCase());
}
