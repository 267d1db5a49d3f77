/** Reads the newest messages of all channels, with the bot's own, for the intent filter (I1). */

import type { DatabaseSync } from "node:sqlite";
import { createdAtMs, type UserId } from "../../core/discord/ids.ts";
import type { InboundMessage } from "../../core/inbound/inbound.ts";
import type { RecentTalk, TalkedMessage } from "../../core/store/received.ts";
import type { Transactions } from "../database/transact.ts";
import { integer, json, optional, rows, snowflake, text } from "../schema/columns.ts";

const OVERHEARD = rows({
  messageId: snowflake<"message">(),
  channelId: snowflake<"channel">(),
  authorId: snowflake<"user">(),
  tag: text(),
  text: text(),
  replyTo: optional(snowflake<"message">()),
  sentAt: integer(),
});
const ASKED = rows({ channelId: snowflake<"channel">(), message: json<InboundMessage>() });
const OWN = rows({
  messageId: snowflake<"message">(),
  channelId: snowflake<"channel">(),
  content: text(),
  askerId: optional(text()),
  causeId: optional(snowflake<"message">()),
});

/** Creates the reader. */
export function createRecentTalk(database: DatabaseSync, { read }: Transactions): RecentTalk {
  const overheard = database.prepare(
    `SELECT message_id, channel_id, author_id, tag, text, reply_to, sent_at FROM message
     WHERE block IN (
       SELECT id FROM message_block WHERE account_id = :accountId AND sent_to > :since
       ORDER BY id DESC LIMIT :limit
     )
     ORDER BY sent_at DESC LIMIT :limit`,
  );
  const asked = database.prepare(
    `SELECT channel_id, message FROM (SELECT * FROM inbox ORDER BY id DESC LIMIT :limit)
     WHERE account_id = :accountId AND accepted_at > :since`,
  );
  const own = database.prepare(
    `SELECT o.message_id, o.channel_id, o.message ->> '$.content' AS content,
            i.message ->> '$.sender.id' AS asker_id, o.cause_id
     FROM (SELECT * FROM outbox ORDER BY id DESC LIMIT :limit) AS o
     LEFT JOIN inbox AS i ON i.message_id = o.cause_id
     WHERE o.account_id = :accountId AND o.state = 'sent' AND o.message_id IS NOT NULL AND o.created_at > :since
       AND o.kind IS NOT 'draft'`,
  );

  return {
    recentTalk: (accountId, since, limit) =>
      read(() => {
        const given = { accountId, since, limit };
        const found: TalkedMessage[] = [
          ...overheard.all(given).map((row): TalkedMessage => {
            const { messageId: id, authorId, tag, replyTo, ...rest } = OVERHEARD.read(row);
            return {
              kind: "person",
              id,
              sender: { id: authorId, username: tag },
              replyTo,
              ...rest,
            };
          }),
          ...asked.all(given).flatMap((row): readonly TalkedMessage[] => {
            const { channelId, message } = ASKED.read(row);
            if (message.triggered || message.called) return []; // no person wrote it there (N1, O14)
            const { id, sender, text, sentAt, mention, quoted } = message;
            const replyTo = quoted?.id;
            return [{ kind: "person", id, channelId, sender, text, sentAt, mention, replyTo }];
          }),
          ...own.all(given).map((row): TalkedMessage => {
            const { messageId: id, channelId, content: text, askerId, causeId } = OWN.read(row);
            const to = askerId as UserId | undefined; // as the inbox has it
            const sentAt = createdAtMs(id);
            return { kind: "own", id, channelId, text, sentAt, to, answers: causeId };
          }),
        ];
        return found.sort((a, b) => a.sentAt - b.sentAt);
      }),
  };
}
