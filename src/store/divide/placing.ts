/**
 * Says which partitions get a row of a store that is divided (O16).
 *
 * A place is an SQL expression over the row `r` of a table: the number of the row's partition, or
 * {@link ALL}. A guild is in partition (id >> 22) mod n. Direct messages, and rows without a guild, are in
 * partition 0. Rows that a partition only looks up are in all of them: a row too many does no harm there.
 */

/** Every partition gets the row. */
export const ALL: -1 = -1;

/** A table that tells the guild of a channel, and how. */
const GUILDS_OF_CHANNELS = `
  SELECT c.value ->> 0 AS channel_id, g.guild_id FROM src.guild AS g,
    json_each(g.snapshot, '$.channels') AS c
  UNION ALL SELECT channel_id, guild_id FROM src.known_channel WHERE channel_id <> ''
  UNION ALL SELECT parent_id, guild_id FROM src.known_channel
  UNION ALL SELECT channel_id, guild_id FROM src.usage WHERE guild_id <> ''
  UNION ALL SELECT channel_id, message ->> '$.guildId' FROM src.inbox
  UNION ALL SELECT message ->> '$.channelId', message ->> '$.guildId' FROM src.undecided
  UNION ALL SELECT channel_id, facts ->> '$.guildId' FROM src.fact
  UNION ALL SELECT channel_id, guild_id FROM src.question
  UNION ALL SELECT channel_id, guild_id FROM src.discord_change
  UNION ALL SELECT origin ->> '$.channelId', origin ->> '$.guildId' FROM src.schedule`;

/**
 * SQL that prepares the places: the partition of each channel with a guild.
 *
 * @param count Number of partitions.
 */
export function placesSql(count: number): string {
  return `
    CREATE TEMP TABLE place (channel_id TEXT PRIMARY KEY, number INTEGER NOT NULL) WITHOUT ROWID;
    INSERT OR IGNORE INTO place
      SELECT channel_id, ${ofGuild("guild_id", count)} FROM (${GUILDS_OF_CHANNELS})
      WHERE channel_id IS NOT NULL AND guild_id IS NOT NULL;
    INSERT OR IGNORE INTO place
      SELECT t.thread_id, p.number FROM src.answer_thread AS t JOIN place AS p USING (channel_id);`;
}

/** Guild in an SQL expression → its partition; 0 if it is null or empty. */
function ofGuild(guild: string, count: number): string {
  return `coalesce((CAST(nullif(${guild}, '') AS INTEGER) >> 22) % ${count}, 0)`;
}

/** Channel in an SQL expression → its partition. */
const ofChannel = (channel: string): string =>
  `coalesce((SELECT number FROM temp.place WHERE channel_id = ${channel}), 0)`;

/** The partition of another row. */
const ofRow = (table: string, where: string, place: string): string =>
  `coalesce((SELECT ${place} FROM src.${table} AS o WHERE ${where} LIMIT 1), 0)`;

const BY_CHANNEL = ofChannel("r.channel_id");
const OF_QUESTION = (count: number): string =>
  ofRow("question", "o.id = r.question_row", questionPlace("o", count));
/** By the channel in the key of a session. Numbers end where a thread or another part begins. */
const BY_SESSION = ofChannel(
  "CAST(CAST(substr(r.session_key, instr(r.session_key, ':channel:') + 9) AS INTEGER) AS TEXT)",
);
const BY_MESSAGE = ofRow("inbox", "o.message_id = r.message_id", ofChannel("o.channel_id"));
/** Events of a hook follow its last incident: hooks post in one place. */
const BY_HOOK = ofRow(
  "hook_incident",
  "o.account_id = r.account_id AND o.hook = r.hook ORDER BY o.id DESC",
  ofChannel("o.channel_id"),
);

function questionPlace(row: string, count: number): string {
  return `CASE WHEN ${row}.guild_id IS NULL THEN ${ofChannel(`${row}.channel_id`)}
    ELSE ${ofGuild(`${row}.guild_id`, count)} END`;
}

/** The place of each table's rows. A table of the schema that is missing here is an error. */
export function placesOf(count: number): Readonly<Record<string, string | typeof ALL>> {
  return {
    account: ALL,
    action_run: BY_MESSAGE,
    answer_thread: BY_CHANNEL,
    application_owner: ALL,
    asked_guild: ofGuild("r.guild_id", count),
    checkpoint: BY_SESSION,
    direct_channel: BY_CHANNEL,
    discord_change: questionPlace("r", count),
    discord_post: ALL,
    entry: BY_CHANNEL,
    exec_rule: ALL,
    fact: BY_CHANNEL,
    feed: ALL,
    feed_entry: ALL,
    fileless_channel: BY_CHANNEL,
    // With another number of shards, each partition needs all of them to find its gaps.
    gateway_session: `CASE WHEN (
        SELECT o.shard_count FROM src.account AS o WHERE o.account_id = r.account_id
      ) % ${count} = 0 THEN r.shard_id % ${count} ELSE ${ALL} END`,
    guild: ofGuild("r.guild_id", count),
    hook_event: BY_HOOK,
    hook_incident: BY_CHANNEL,
    hook_run: BY_HOOK,
    identify: ALL,
    inbox: BY_CHANNEL,
    invalid_request: ALL,
    journal_refused: "0",
    known_channel: ofGuild("r.guild_id", count),
    known_message: ofRow("known_channel", "o.id = r.channel", ofGuild("o.guild_id", count)),
    message_block: BY_CHANNEL,
    note: ALL,
    note_source: ALL,
    note_vector: ALL,
    outbox: BY_CHANNEL,
    outbox_file: ofRow("outbox", "o.id = r.outbox_row", ofChannel("o.channel_id")),
    paired: ALL,
    pairing_guess: ALL,
    pairing_request: ALL,
    parked_channel: BY_CHANNEL,
    policy: ALL,
    proxied_user: ALL,
    question: questionPlace("r", count),
    question_card: OF_QUESTION(count),
    question_control: ofRow(
      "question_card AS c JOIN src.question",
      "c.id = r.card_row AND o.id = c.question_row",
      questionPlace("o", count),
    ),
    question_cover: OF_QUESTION(count),
    reaction: BY_CHANNEL,
    resolved_name: ALL,
    run: ALL,
    schedule: ofGuild("r.origin ->> '$.guildId'", count),
    schedule_run: ofRow(
      "schedule",
      "o.id = r.schedule_row",
      ofGuild("o.origin ->> '$.guildId'", count),
    ),
    setting: `CASE WHEN r.name = 'loop' THEN ${ofChannel("r.scope")} ELSE ${ALL} END`,
    step: BY_MESSAGE,
    told_budget: ALL,
    told_full: `CASE WHEN r.list = 'channel' THEN ${ofChannel("r.id")} ELSE ${ALL} END`,
    told_problem: ALL,
    trend: "0",
    unanswered: BY_CHANNEL,
    undecided: ofChannel("r.message ->> '$.channelId'"),
    // Each partition counts requests without a place by itself; they add up when partitions are joined.
    usage: `CASE WHEN r.guild_id = '' AND r.channel_id = '' THEN 0 ELSE ${ALL} END`,
    // A block has verdicts of several guilds, so it is taken apart.
    verdict_block: ALL,
  };
}

/** Tables that each store makes by itself: the journal, which is empty, and indexes of words. */
export const MADE_ANEW: readonly string[] = ["journal", "journal_done", "known_index"];

/**
 * SQL of the verdicts of a block for one partition. A verdict of another one becomes `null`, as a removed
 * one is: numbers stay. Verdicts without facts, of forgotten people, stay everywhere.
 */
export function verdictsFor(partition: number): string {
  return `(
    SELECT json_group_array(CASE
      WHEN v.type <> 'array' OR coalesce((
        SELECT ${ofChannel("f.channel_id")} FROM src.fact AS f WHERE f.id = v.value ->> 1
      ), ${partition}) <> ${partition} THEN NULL
      ELSE json(v.value) END)
    FROM json_each(r.verdicts) AS v
  )`;
}
