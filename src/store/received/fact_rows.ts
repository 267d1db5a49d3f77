/**
 * Interns verdicts with their facts. Messages of one sender in one place usually get the same
 * verdict from the same facts, so they share a row.
 *
 * Rows are deleted by generations. A process refers only to rows that it has inserted itself, in
 * the open generation. A generation ends when it is full, after a day, and with the process. Ids
 * rise, so all rows of earlier generations have lower ids. The number of a generation is the id of
 * its first row. Verdicts are numbered in the order of deciding, and so are their generations: the
 * oldest generation that the oldest block of verdicts refers to is the oldest of all. No verdict
 * refers to a row below that generation, now or later. So `preparePruneFacts` deletes those rows
 * without counting or searching for references.
 *
 * So there are hardly more rows than verdicts and one generation together, regardless of the number
 * of senders. A row outlives the last verdict that refers to it by one generation at most.
 */

import { hash } from "node:crypto";
import { statementsOf } from "../database/statements.ts";
import type { DatabaseSync } from "node:sqlite";
import { DAY_MS } from "../../lib/clock.ts";
import { factsKey, factsOf, hasContent, hasNoKnownFacts } from "../../core/inbound/facts.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import type { InboundMessage, Place, Sender } from "../../core/inbound/inbound.ts";
import type { Verdict } from "../../core/inbound/verdict.ts";
import { flag, integer, optional, rows } from "../schema/columns.ts";

/** Maximum number of rows of a generation: 7 MB of memory at most. */
const GENERATION_MAX = 10_000;
/** Estimated bytes of a row in memory beside its key, including its entry in {@link createRepeatedFacts}. */
const ROW_BYTES = 300;
/**
 * Maximum number of characters of a key. A longer one is kept as its digest: a member of 250 roles
 * has 15 kB.
 */
const KEY_MAX = 400;

const NEXT = rows({ next: integer() });

/**
 * Prepares the statements for rows, with the first generation still to begin.
 *
 * @param elapsed Milliseconds of a clock that never goes back, for the age of a generation.
 * @param max Maximum number of rows of a generation, from 1.
 */
export function prepareFactRows(
  database: DatabaseSync,
  elapsed: () => number,
  max = GENERATION_MAX,
) {
  const sql = statementsOf(database);
  const selectNext = sql`SELECT COALESCE(MAX(id), 0) + 1 AS next FROM fact`;
  const insert = sql`INSERT INTO fact
       (id, generation, channel_id, author_id, verdict, why, rule, policy_row, facts)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`;
  const rows = new Map<string, number>();
  const repeated = createRepeatedFacts();
  /** Characters of all keys. */
  let chars = 0;
  let generation = 0;
  let begunAt = 0;

  function end(): void {
    rows.clear();
    repeated.forget();
    chars = 0;
  }

  function begin(): void {
    generation = NEXT.read(selectNext.get()).next;
    begunAt = elapsed();
  }

  return {
    /**
     * Finds the row of a verdict with its facts.
     *
     * @returns Number of a row with the same verdict and facts; inserts it if it finds none.
     */
    rowOf(judged: Judged): number {
      if (rows.size > 0 && elapsed() - begunAt >= DAY_MS) end();
      const again = repeated.rowOf(judged);
      if (again !== undefined) return again;
      const { message, verdict, policyVerdict, knownFacts = {}, policyId = null, command } = judged;
      const { kind, why, rule } = verdict;
      const toJson = () =>
        JSON.stringify(factsOf(message, knownFacts, verdict, policyVerdict, command));
      const common = factsKey(message, knownFacts, verdict, policyVerdict);
      const text = `${kind} ${why} ${rule} ${policyId} ${common ?? toJson()}`;
      const key = text.length <= KEY_MAX ? text : digestOf(text);
      const stored = rows.get(key);
      if (stored !== undefined) {
        if (common !== undefined) repeated.note(judged, stored);
        return stored;
      }
      if (rows.size >= max) end();
      if (rows.size === 0) begin();
      const id = generation + rows.size;
      const { channelId, sender } = message;
      insert.run(id, generation, channelId, sender.id, kind, why, rule, policyId, toJson());
      rows.set(key, id);
      if (common !== undefined) repeated.note(judged, id);
      chars += key.length;
      return id;
    },
    /** Ends the generation, because its rows may be deleted or undone. */
    forget: end,
    /** Estimated bytes of memory. */
    bytes: (): number => rows.size * ROW_BYTES + chars,
  };
}

/** The rows of the open generation, within transactions of the caller's. */
export type FactRows = ReturnType<typeof prepareFactRows>;

function digestOf(text: string): string {
  return hash("sha256", text, "base64");
}

const OLDEST = rows({ generation: optional(integer()), isEmpty: flag() });

/**
 * Prepares the deletion of rows that no verdict refers to.
 *
 * @returns Deletes at most `atMost` rows, within a transaction of the caller's, and returns whether
 * there may be more.
 */
export function preparePruneFacts(
  database: DatabaseSync,
  factRows: FactRows,
): (atMost: number) => boolean {
  const sql = statementsOf(database);
  const selectOldest = sql`SELECT MIN(f.generation) AS generation,
            (SELECT MIN(id) FROM verdict_block) IS NULL AS is_empty
     FROM verdict_block AS b
     CROSS JOIN json_each(b.verdicts) AS v
     CROSS JOIN fact AS f ON f.id = v.value ->> 1
     WHERE b.id = (SELECT MIN(id) FROM verdict_block) AND v.type = 'array'`;
  const prune = sql`
    DELETE FROM fact WHERE id IN (SELECT id FROM fact WHERE id < ? ORDER BY id LIMIT ?)`;
  return (atMost) => {
    const { generation, isEmpty } = OLDEST.read(selectOldest.get());
    if (generation === undefined && !isEmpty) return false; // the oldest block is of forgotten people
    // If no verdict is left, all rows are deleted, and no row in memory may be used again.
    if (generation === undefined) factRows.forget();
    return Number(prune.run(generation ?? Number.MAX_SAFE_INTEGER, atMost).changes) === atMost;
  };
}

/** What can differ between two common messages of one sender in one place. */
type VaryingFacts =
  & Pick<Verdict, "kind" | "why" | "rule">
  & Pick<InboundMessage, "channelId" | "revision" | "mention" | "mentionsOthers">
  & Pick<InboundMessage, "isAnnouncement">
  & Pick<Judged, "policyId">
  & { readonly hasContent: boolean };

type LastVerdict = VaryingFacts & { readonly row: number };

/**
 * Finds the row of a verdict by objects, for the usual case: the same person in the same place again,
 * with the same verdict.
 *
 * Decoding usually gives the same object for the same person, and for the same place. So comparing a
 * few fields shows that all facts are equal, without a text of them.
 */
function createRepeatedFacts() {
  let places = new WeakMap<Place, WeakMap<Sender, LastVerdict>>();

  return {
    /** The row of the last verdict, if this one has the same facts. */
    rowOf(judged: Judged): number | undefined {
      const { message, policyVerdict, knownFacts } = judged;
      const last = places.get(message.place)?.get(message.sender);
      if (!last || policyVerdict || !hasNoKnownFacts(knownFacts)) return undefined;
      return hasSameFacts(last, judged) ? last.row : undefined;
    },
    /** Notes the row of a common verdict: one whose facts have a key. */
    note(judged: Judged, row: number): void {
      const { place, sender } = judged.message;
      let senders = places.get(place);
      if (!senders) places.set(place, senders = new WeakMap());
      senders.set(sender, { ...varyingOf(judged), row });
    },
    /** Forgets all rows. */
    forget: (): void => void (places = new WeakMap()),
  };
}

function varyingOf({ message, verdict, policyId }: Judged): VaryingFacts {
  const { kind, why, rule } = verdict;
  const { channelId, revision, mention, mentionsOthers, isAnnouncement } = message;
  return {
    kind,
    why,
    rule,
    channelId,
    revision,
    mentionsOthers,
    hasContent: hasContent(message),
    mention,
    isAnnouncement: isAnnouncement || undefined,
    policyId,
  };
}

/** Compares without an object: most messages come here. */
function hasSameFacts(last: VaryingFacts, { message, verdict, policyId }: Judged): boolean {
  return last.why === verdict.why && last.rule === verdict.rule && last.kind === verdict.kind &&
    last.channelId === message.channelId &&
    last.revision === message.revision && last.mention === message.mention &&
    last.mentionsOthers === message.mentionsOthers &&
    last.isAnnouncement === message.isAnnouncement && last.policyId === policyId &&
    last.hasContent === hasContent(message);
}
