/**
 * Says how the rows of all partitions become those of one store (O16): the way back from `placing.ts`.
 *
 * Partitions give equal numbers to different rows. So most numbers of rows are given anew, in the order of
 * time, and each column that names a row follows. Numbers that people name stay: no two partitions give
 * them. A row that each partition has becomes one row.
 */

/** Makes the SQL of a column's value, over the row `r` of a partition with its new number `n.new`. */
type ColumnValue = (column: string) => string;

/** What a rule says beside the rows themselves. */
export interface ColumnRules {
  /** Columns that name rows of other tables, with the table. A row that needs one that is gone goes, too. */
  readonly references?: Readonly<Record<string, string>>;
  /** Other columns whose values change. */
  readonly values?: Readonly<Record<string, string>>;
}

/** A table whose rows no two partitions share. */
export interface OwnRows extends ColumnRules {
  readonly kind: "own";
  /** Absent: the rows keep their keys. */
  readonly numbered?: {
    /** SQL of a time, or of any number that rises with time. */
    readonly by: string;
    /** SQL of the numbers that a row takes; 1 by default. A row that takes none goes. */
    readonly size?: string;
  };
  /** Condition of rows that count; absent: all. */
  readonly where?: string;
}

/** A table in which partitions have rows of one key. */
export interface MergedRows extends ColumnRules {
  readonly kind: "merged";
  /** Columns of the key; if the first row counts, those by which the others are the same. */
  readonly key: readonly string[];
  /** Whether an index proves that the key is unique. */
  readonly hasIndex?: false;
  /** SQL over a row: the row with the greatest value counts. Without it and `set`, the first row counts. */
  readonly newest?: (row: string) => string;
  /** SQL of columns of the one row, over the row `m` so far and the row `excluded`. */
  readonly set?: Readonly<Record<string, string>>;
  /** Condition of rows that count. */
  readonly where?: string;
  /** The rows get numbers in this order at the end. Absent: numbers as they come, or as they are. */
  readonly order?: string;
}

/** A table of which the first partition has the rows that count. */
export interface FirstRows extends ColumnRules {
  readonly kind: "first";
  /** Columns that name a row which all partitions must have; it goes otherwise. Absent: no such rule. */
  readonly inAll?: readonly string[];
}

/** How the rows of a table are joined. */
export type TableRule = OwnRows | MergedRows | FirstRows;

/** SQL of the new number of a row; null if there is no such row. */
const numberOf = (table: string, old: string, part: number): string =>
  `(SELECT new FROM numbers.${table} WHERE part = ${part} AND old = ${old})`;

const own = (by: string, columns: ColumnRules = {}): OwnRows => ({
  kind: "own",
  numbered: { by },
  ...columns,
});
const merged = (key: string, more: Omit<MergedRows, "kind" | "key"> = {}): MergedRows => ({
  kind: "merged",
  key: key.split(" "),
  ...more,
});

const at = (column: string) => (row: string): string => `${row}.${column}`;

/** Columns of which the later row's count, by the column that tells when they were set. */
const later = (by: string, ...columns: readonly string[]): Record<string, string> =>
  Object.fromEntries([...columns, by].map((column) => [
    column,
    `CASE WHEN ifnull(excluded.${by}, -1) > ifnull(m.${by}, -1) THEN excluded.${column} ELSE m.${column} END`,
  ]));
const greatest = (...columns: readonly string[]): Record<string, string> =>
  Object.fromEntries(columns.map((column) => [
    column,
    `max(ifnull(m.${column}, excluded.${column}), ifnull(excluded.${column}, m.${column}))`,
  ]));
/** -1, which no start plans, if two partitions differ: then no session is resumed, and gaps open. */
const agreed = (column: string): Record<string, string> => ({
  [column]:
    `CASE WHEN m.${column} = excluded.${column} OR excluded.${column} IS NULL THEN m.${column}
    WHEN m.${column} IS NULL THEN excluded.${column} ELSE -1 END`,
});

const USE = ["requests", "input", "cached", "output", "micros", "unpriced", "ms", "audio_sec"];
/** Each partition counts requests without a place by itself; all other use goes round. */
const USE_SUMS = Object.fromEntries(USE.map((column) => [
  column,
  `CASE WHEN m.guild_id = '' AND m.channel_id = '' THEN m.${column} + excluded.${column}
    ELSE max(m.${column}, excluded.${column}) END`,
]));

/** Figures of one minute or hour add up; an earlier one in its place of the ring goes. */
function trendOf(sums: readonly string[], peaks: readonly string[]): Record<string, string> {
  const of = (column: string, together: string) =>
    `CASE WHEN m.at > excluded.at THEN m.${column} WHEN m.at < excluded.at THEN excluded.${column}
      ELSE ${together} END`;
  const mean = `(m.median_ms * m.answers + excluded.median_ms * excluded.answers)
    / max(m.answers + excluded.answers, 1)`;
  return Object.fromEntries([
    ...sums.map((column) => [column, of(column, `m.${column} + excluded.${column}`)]),
    ...peaks.map((column) => [column, of(column, `max(m.${column}, excluded.${column})`)]),
    ["median_ms", of("median_ms", mean)],
    ["at", of("at", "m.at")],
  ]);
}

/** A second row with the same value, of another partition, gets this one. */
const unlessTaken = (table: string, same: string, column: string, other: string): string =>
  `CASE WHEN EXISTS (SELECT 1 FROM main.${table} AS m WHERE ${same})
    THEN ${other} ELSE r.${column} END`;

/**
 * The rule of each table. It is long because it is a list. A table of the schema that is missing here
 * is an error.
 *
 * @param part Number of the partition whose rows are `r`.
 */
export function joiningsOf(part: number): Readonly<Record<string, TableRule>> {
  const lastEntry = `ifnull((SELECT new FROM numbers.entry
    WHERE part = ${part} AND old <= r.last_entry ORDER BY old DESC LIMIT 1), 0)`;
  return {
    account: merged("account_id", {
      set: {
        ...later("ready_at", "user_id", "application_id", "username", "peer"),
        ...later("gateway_url_at", "gateway_url"),
        ...later("flags_at", "flags", "owner_id"),
        ...later(
          "limit_read_at",
          "recommended_shards",
          "limit_total",
          "limit_remaining",
          "limit_reset_after_ms",
          "limit_max_concurrency",
        ),
        ...agreed("shard_count"),
        ...agreed("intents"),
        ...greatest("probes"),
      },
    }),
    action_run: own("r.started_at"),
    answer_thread: merged("account_id thread_id", { newest: at("at") }),
    application_owner: merged("account_id user_id"),
    asked_guild: merged("account_id guild_id", { newest: at("at") }),
    checkpoint: own("r.at", {
      // Entries may be gone: the range then begins and ends at those that are left.
      values: {
        first_entry: `ifnull((SELECT new FROM numbers.entry
          WHERE part = ${part} AND old >= r.first_entry ORDER BY old LIMIT 1), 1 + ${lastEntry})`,
        last_entry: lastEntry,
      },
    }),
    direct_channel: merged("account_id channel_id", { newest: at("active_at") }),
    discord_change: { kind: "own" },
    discord_post: merged("account_id message_id", { newest: at("posted_at") }),
    entry: own("r.at"),
    // A right counts only if all partitions have it.
    exec_rule: {
      kind: "first",
      inAll: ["agent_id", "path", "content_hash", "cwd", "files_hash", "args"],
    },
    // All are of the first generation: they go after the last of the joined verdicts.
    fact: own("r.id", { references: { policy_row: "policy" }, values: { generation: "1" } }),
    feed: merged("account_id name", {
      // Its partition alone reads it: the others have it as it was when the store was divided.
      newest: (row) => `ifnull(${row}.read_at, -1)`,
    }),
    feed_entry: merged("feed_row entry_key", {
      references: { feed_row: "feed" },
      set: greatest("seen_at"),
    }),
    fileless_channel: merged("account_id channel_id", { newest: at("told_at") }),
    gateway_session: merged("account_id shard_id", { newest: at("alive_at") }),
    guild: merged("account_id guild_id"),
    hook_event: own("r.received_at", {
      // The partitions before did not know the sender's id, so both events were taken.
      values: {
        sender_id: unlessTaken(
          "hook_event",
          "m.hook = r.hook AND m.sender_id = r.sender_id AND m.message_id <> r.message_id",
          "sender_id",
          "NULL",
        ),
      },
    }),
    hook_incident: own("r.started_at", {
      // Its hook has moved to another place, where the next event began a second one.
      values: {
        ended_at: unlessTaken(
          "hook_incident",
          `r.ended_at IS NULL AND m.ended_at IS NULL AND m.account_id = r.account_id
            AND m.hook = r.hook AND m.key = r.key AND m.id <> n.new`,
          "ended_at",
          "r.started_at",
        ),
      },
    }),
    hook_run: own("r.started_at", { references: { incident_row: "hook_incident" } }),
    identify: merged("account_id shard_id at", { hasIndex: false, order: "at" }),
    inbox: own("r.accepted_at"),
    // Within minutes after a division, each partition has those from before: too many do no harm.
    invalid_request: merged("account_id minute", { set: { count: "m.count + excluded.count" } }),
    journal_refused: own("r.id"),
    known_channel: own("r.id"),
    known_message: own("CAST(r.message_id AS INTEGER) >> 22", {
      values: { channel: `ifnull(${numberOf("known_channel", "r.channel", part)}, 0)` },
    }),
    message_block: own("r.kept_at"),
    note: merged("id", { newest: at("updated_at") }),
    note_source: merged("message_id note_row"),
    note_vector: merged("note_row", {
      where: `EXISTS (SELECT 1 FROM main.note AS m JOIN src.note AS o USING (id)
        WHERE m.id = r.note_row AND m.text = o.text)`,
    }),
    outbox: own("r.created_at", {
      references: { folded_into: "outbox" },
      values: {
        // A nonce from the number of a row and its time; it stays as long as it is.
        nonce: unlessTaken(
          "outbox",
          `m.account_id = r.account_id AND m.nonce = r.nonce AND m.id <> n.new`,
          "nonce",
          `substr(r.nonce, 1, 23) || '${part.toString(16).padStart(2, "0")}'`,
        ),
      },
    }),
    outbox_file: { kind: "own", references: { outbox_row: "outbox" } },
    paired: { kind: "first", inAll: ["account_id", "user_id"] },
    pairing_guess: merged("account_id", { set: greatest("wrong", "closed_at") }),
    pairing_request: { kind: "first" },
    parked_channel: merged("account_id channel_id", { newest: at("refused_at") }),
    policy: merged("account_id hash", {
      set: { ...greatest("used_at"), made_at: "min(m.made_at, excluded.made_at)" },
    }),
    proxied_user: merged("account_id user_id", { newest: at("at") }),
    question: own("r.created_at"),
    question_card: own("r.id", { references: { question_row: "question" } }),
    question_control: { kind: "own", references: { card_row: "question_card" } },
    question_cover: { kind: "own", references: { question_row: "question" } },
    reaction: {
      ...own("r.at"),
      // A channel that was not known at the division may have been in the first partition before.
      where: `NOT EXISTS (SELECT 1 FROM main.reaction AS m WHERE m.account_id = r.account_id
        AND m.message_id = r.message_id AND m.user_id = r.user_id AND m.emoji = r.emoji
        AND m.id <> n.new)`,
    },
    // The first id of a name stays (P12).
    resolved_name: merged("account_id kind typed"),
    run: merged("run_id", {
      set: { ...greatest("alive_at"), ending: "ifnull(m.ending, excluded.ending)" },
      order: "started_at",
    }),
    schedule: { kind: "own" },
    schedule_run: own("r.started_at"),
    setting: merged("account_id scope name", { newest: at("at") }),
    step: own("r.at"),
    told_budget: merged("day user_id"),
    told_full: merged("account_id list id"),
    told_problem: merged("account_id problem", { newest: at("told_at") }),
    trend: merged("span place", {
      set: trendOf(
        ["accepted", "ignored", "answers", "failures", "waiting", "unsent"],
        ["slowest_ms"],
      ),
    }),
    unanswered: merged("account_id message_id"),
    undecided: own("r.at", { references: { policy_row: "policy" } }),
    usage: merged("day user_id channel_id guild_id agent_id model kind", { set: USE_SUMS }),
    verdict_block: {
      kind: "own",
      numbered: { by: "r.at", size: verdictsOf(part, "count(*)") },
      values: {
        count: verdictsOf(part, "count(*)"),
        verdicts: verdictsOf(
          part,
          `json_group_array(
            json_array(v.value ->> 0, ifnull(${numberOf("fact", "v.value ->> 1", part)}, 0))
          )`,
        ),
      },
    },
  };
}

/** Columns that name rows whose numbers stay: those of notes and schedules. */
export const KEPT_REFERENCES: readonly string[] = [
  "note_source.note_row",
  "note_vector.note_row",
  "schedule_run.schedule_row",
];

/**
 * SQL that notes verdicts without facts, of forgotten people: each partition has those from before the
 * division, and the first one counts.
 */
export function noteFactless(part: number): string {
  return `
    INSERT OR IGNORE INTO numbers.factless (account_id, message_id, part)
    SELECT r.account_id, v.value ->> 0, ${part}
    FROM src.verdict_block AS r, json_each(r.verdicts) AS v
    WHERE v.type = 'array' AND NOT EXISTS (SELECT 1 FROM src.fact AS f WHERE f.id = v.value ->> 1)`;
}

/** SQL over a block's verdicts, without removed ones and those of other partitions. */
function verdictsOf(part: number, result: string): string {
  return `(
    SELECT ${result} FROM json_each(r.verdicts) AS v
    WHERE v.type = 'array' AND (
      EXISTS (SELECT 1 FROM src.fact AS f WHERE f.id = v.value ->> 1)
      OR EXISTS (SELECT 1 FROM numbers.factless AS u WHERE u.account_id = r.account_id
        AND u.message_id = v.value ->> 0 AND u.part = ${part})
    )
  )`;
}

/** SQL of the columns of a table, with the references of its rule. */
export function valuesOf(
  { references = {}, values = {} }: ColumnRules,
  part: number,
): ColumnValue {
  return (column) => {
    const table = references[column];
    if (table !== undefined) return numberOf(table, `r.${column}`, part);
    return values[column] ?? `r.${column}`;
  };
}
