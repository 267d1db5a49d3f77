/**
 * The access rules of a config's text, with the line that each of them is written in.
 *
 * The same for the text of today's file and for one that was on record when a message was judged:
 * what `barnacle why` says of yesterday is said by the rules of yesterday.
 *
 * @module
 */

import { isAbsolute, relative, sep } from "node:path";
import { policiesIn } from "../../config/policies.ts";
import { positionsIn } from "../../config/text/position.ts";
import type { AccountId } from "../../core/discord/ids.ts";
import type { ResolvedName } from "../../core/names.ts";
import { withNames } from "../../policy/pinned.ts";
import type { AccessPolicy } from "../../policy/rules.ts";

/** A config file, or the lack of one, which is an empty config. */
export interface ConfigSource {
  readonly file?: string;
  /** With its secrets blanked. */
  readonly text?: string;
}

/** Where a rule is written; for one that is not, the nearest key above it that is. */
export interface RulePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

export type PlaceOf = (rule: string) => RulePlace | undefined;

/** What one account goes by. */
export interface AccessView {
  readonly accountId: AccountId;
  /** With the names that are known to be ids. */
  readonly policy: AccessPolicy;
  readonly placeOf: PlaceOf;
}

/**
 * The rules of every account that a config has.
 *
 * @param namesOf What is known of an account's names (P12).
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

/** Finds rules in a text; where there is no file nothing is written. */
function placesIn({ file, text }: ConfigSource): PlaceOf {
  if (file === undefined || text === undefined) return () => undefined;
  const positionOf = positionsIn(text);
  return (rule) => {
    const position = positionOf(rule);
    return position && { file, ...position };
  };
}

/** `"channels.discord.dm.policy, config.jsonc:7"`, as short as the reader's directory allows. */
export function ruleText(rule: string, place: RulePlace | undefined, cwd: string): string {
  return place ? `${rule}, ${shortened(place.file, cwd)}:${place.line}` : rule;
}

function shortened(file: string, cwd: string): string {
  const path = relative(cwd, file);
  return path === "" || path.startsWith(`..${sep}`) || path === ".." || isAbsolute(path)
    ? file
    : path;
}
