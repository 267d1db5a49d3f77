/**
 * Reads access rules from the text of a config, with the line of each rule.
 *
 * The text may be the current file or a recorded one: `barnacle why` explains an old decision by the
 * rules of that time.
 *
 * @module
 */

import { isAbsolute, relative, sep } from "node:path";
import { policiesIn } from "../../config/policies.ts";
import { positionsIn } from "../../config/text/position.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { ResolvedName } from "../../core/names.ts";
import { withNames } from "../../policy/rules/pinned.ts";
import type { AccessPolicy } from "../../policy/rules/rules.ts";

/** A config file; without one, an empty config. */
export interface ConfigSource {
  /** Path of the file. */
  readonly file?: string;
  /** The text, secrets blanked. */
  readonly text?: string;
}

/** The place of a rule; for a rule that is not in the file, of the nearest key above it. */
export interface RulePlace {
  /** Path of the file. */
  readonly file: string;
  /** Line, from 1. */
  readonly line: number;
  /** Column, from 1. */
  readonly column: number;
}

/** Finds the place of a rule by its config path. */
export type PlaceOf = (rule: string) => RulePlace | undefined;

/** The rules of one account. */
export interface AccessView {
  /** The account. */
  readonly accountId: AccountId;
  /** Known names are replaced by ids. */
  readonly policy: AccessPolicy;
  /** Finds the place of a rule. */
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

/** `"channels.discord.dm.policy, config.jsonc:7"`; the path is relative to `cwd` if it is below. */
export function ruleText(rule: string, place: RulePlace | undefined, cwd: string): string {
  return place ? `${rule}, ${shortened(place.file, cwd)}:${place.line}` : rule;
}

function shortened(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path === "" || path.startsWith(`..${sep}`) || path === ".." || isAbsolute(path)
    ? file
    : path;
}
