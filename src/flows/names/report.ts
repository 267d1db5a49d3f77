/**
 * Logs which names in allow lists were resolved to ids, and which stay names.
 *
 * @module
 */

import type { Log } from "../../lib/log.ts";
import type { Matched, UnfoundReason } from "./match.ts";

/** The results of one search for names. */
export interface Resolution {
  /** Results of all names that were wanted. */
  readonly matched: readonly Matched[];
  /** Discord's error, if it refused the search of members; else absent. */
  readonly refused?: unknown;
}

const WHY: Readonly<Record<UnfoundReason, string>> = {
  "no-match": "nothing has that name",
  "no-guild": "the bot is not in that guild",
  "not-searched": "Barnacle could not search all members",
};

/**
 * Logs results; each warning only once.
 *
 * @param warned Keys of earlier warnings; new ones are added.
 */
export function logMatched({ matched, refused }: Resolution, warned: Set<string>, log: Log): void {
  const warn = (event: string, fields: Readonly<Record<string, unknown>>, key: string): void => {
    if (warned.has(key)) return;
    warned.add(key);
    log.warn(event, fields);
  };

  if (refused !== undefined) {
    const event =
      "Discord does not let this bot search members, so user names in allow lists stay " +
      "names, which others may take: use ids, or enable the Server Members Intent in the " +
      "developer portal";
    warn(event, { error: refused }, "refused");
  }
  for (const result of matched) logOne(result, refused !== undefined, warn, log);
}

function logOne(
  result: Matched,
  isRefused: boolean,
  warn: (event: string, fields: Readonly<Record<string, unknown>>, key: string) => void,
  log: Log,
): void {
  const { kind, wanted: { typed, rule } } = result;
  const key = `${kind} ${rule} ${typed}`;
  switch (kind) {
    case "resolved": {
      const { id, name } = result.name;
      return log.info("A name in the config was resolved to an id", { typed, rule, id, name });
    }
    case "role":
      return; // a role's name is enough
    case "ambiguous": {
      const candidates = result.candidates.map(({ id, name }) => `${name} (${id})`);
      const event = result.wanted.kind === "guild"
        ? "A guild's name in the config has several matches, so it opens none of them; use the id"
        : "A name in the config has several matches. It is compared as a name; use the id instead";
      return warn(event, { typed, rule, candidates }, key);
    }
    case "unfound":
      if (isRefused && result.why === "not-searched") return; // one warning covers all of them
      return warn(
        "A name in the config has no match. It is compared as a name",
        { typed, rule, why: WHY[result.why] },
        `${key} ${result.why}`,
      );
  }
}
