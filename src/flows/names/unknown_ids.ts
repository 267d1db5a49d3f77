/**
 * Reports ids and names in the config that mean nothing at Discord, or something else than their
 * place asks for, and tells the owners (P7).
 *
 * A wrong one closes a guild or a channel, or lets a person wait for nothing. The rules alone do not
 * show that, because an id or name of nothing is no error: the bot may be invited later.
 */

import type { Account } from "../../core/account/account.ts";
import type { Finding } from "../../core/finding.ts";
import { notice } from "../../render/notices/notices.ts";
import type { FindWrongIds, IdLookUp } from "./find_wrong_ids.ts";
import type { WrongId } from "./searched_guild.ts";

/** Maximum number of ids and names that a message or health names; the rest is counted. */
const SHOWN_MAX = 10;

/** A row for each wrong id or name; the last one counts those that are not shown. */
export function wrongIdFindings(
  faults: readonly WrongId[],
): readonly Finding[] {
  return faults.slice(0, SHOWN_MAX).map(({ rule, why }, index): Finding => ({
    id: "access.ids",
    what: "IDs and names",
    status: "warn",
    fix: "correct the ID or name in the config, or invite the bot",
    why: `${rule}: ${why}${index === SHOWN_MAX - 1 ? restOf(faults.length) : ""}`,
  }));
}

/**
 * Creates the report for one account. It tells the owners of each id once in the life of the process.
 */
export function createUnknownIds(
  { texts, log }: Pick<Account, "texts" | "log">,
  lookUp: IdLookUp,
  tellOwners: (text: string) => Promise<void>,
) {
  const load = async () => (await import("./find_wrong_ids.ts")).createFindWrongIds(lookUp);
  let finding: Promise<FindWrongIds> | undefined;
  const told = new Set<string>();
  let looks = 0;
  let findings: readonly Finding[] = [];

  return {
    async check(...asked: Parameters<FindWrongIds>): Promise<void> {
      const look = ++looks;
      const findWrongIds = await (finding ??= load());
      const faults = await findWrongIds(...asked);
      if (look !== looks) return; // another look is newer, or will be after a person was forgotten
      findings = wrongIdFindings(faults);
      const fresh = faults.filter((fault) => !told.has(keyOf(fault)));
      if (fresh.length === 0) return;
      for (const fault of fresh) {
        told.add(keyOf(fault));
        const { rule, why } = fault;
        log.warn("An ID or name in the config means nothing at Discord", { rule, why });
      }
      const lines = fresh.slice(0, SHOWN_MAX).map(({ rule, why }) => `\n- \`${rule}\`: ${why}`);
      const list = lines.join("") + restOf(fresh.length);
      await tellOwners(notice("idsUnknown", { list }, texts()));
    },
    /** A person was forgotten (X5): the next look asks anew, and until then there are no findings. */
    forget(): void {
      looks++;
      finding = undefined; // it has the names that Discord has told
      findings = [];
    },
    /** The wrong ids and names as of the last look. */
    findings: (): readonly Finding[] => findings,
  };
}

/** The place of an id or name, without its number in a list: an entry before it may be removed. */
function keyOf({ rule, id }: WrongId): string {
  return `${rule.replaceAll(/\[\d+\]/g, "[]")} ${id}`;
}

/** How many are not shown, behind the last that is; empty if all are. */
function restOf(count: number): string {
  return count > SHOWN_MAX ? `; and ${count - SHOWN_MAX} more` : "";
}
