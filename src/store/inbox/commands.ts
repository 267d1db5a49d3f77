/**
 * Keeps the commands of people until their answers have left, so that the next process ends those that
 * this one leaves unanswered. One that has started a turn stays, for a word about a lost answer.
 */

import type { AccountId, MessageId } from "../../core/discord/ids.ts";
import type { SlashCommand } from "../../core/inbound/interactions.ts";
import { UNNAMED } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { flag, rows, snowflake, text } from "../schema/columns.ts";
import { OPEN_COMMAND, TOKEN_MS } from "../schema/messages.ts";

const OPEN = rows({
  interactionId: text(),
  applicationId: snowflake<"application">(),
  token: text(),
  senderId: snowflake<"user">(),
  name: text(),
  isAsked: flag(), // a turn answers it
});

/** A command as the store keeps it. */
export type OpenCommand = ReturnType<typeof OPEN.read>;

export function createCommands({ database, sql, commit, read }: Transactions) {
  /** Commands that were answered before their rows were stored. */
  const early = new Set<string>();
  const insert = OPEN_COMMAND.prepareInsert(database, "ON CONFLICT DO NOTHING");
  const prune = sql`DELETE FROM open_command WHERE at < ?`;
  const isAsked = "EXISTS (SELECT 1 FROM inbox WHERE message_id = interaction_id)";
  const select = sql.rows(OPEN.read)`
    SELECT interaction_id, application_id, token, sender_id, name, ${isAsked} AS is_asked
    FROM open_command WHERE account_id = ? AND is_answered = 0`;
  const selectOne = sql.rows(OPEN.read)`
    SELECT interaction_id, application_id, token, sender_id, name, 1 AS is_asked
    FROM open_command WHERE interaction_id = ? AND at >= ?`;
  const answer = sql`UPDATE open_command SET is_answered = 1 WHERE interaction_id = ?`;
  const cut = sql`
    UPDATE decision SET why = 'command-cut' WHERE message_id = ? AND why = 'caught-up'`;
  const remove = sql`DELETE FROM open_command WHERE interaction_id = ? AND NOT ${isAsked}`;
  return {
    /** Adds commands that have arrived, within a transaction of the caller's. */
    addCommands(commands: readonly SlashCommand[], now: number): void {
      prune.run(now - TOKEN_MS);
      for (const { id, accountId, applicationId, token, sender, name } of commands) {
        if (early.delete(id)) continue;
        const of = { interactionId: id, accountId, applicationId, token, name };
        insert({ ...of, senderId: sender.id, at: now });
      }
    },
    /** Commands of an account whose answers have not left. */
    openCommands: (accountId: AccountId): Promise<readonly OpenCommand[]> =>
      read(() => select.all(accountId)),
    /** The command that has started a turn, while its token works; `undefined` if none has. */
    commandOf: (cause: MessageId, now: number): Promise<OpenCommand | undefined> =>
      read(() => selectOne.get(cause, now - TOKEN_MS)),
    /**
     * Stores that the answer of a command has left, or never will.
     *
     * @param isCut Whether the process ended before: then its decision says so.
     */
    commandAnswered: (interactionId: string, isCut = false) =>
      commit(UNNAMED, () => {
        if (isCut) cut.run(interactionId);
        if (answer.run(interactionId).changes === 0) early.add(interactionId);
        remove.run(interactionId);
      }),
  };
}

export type Commands = ReturnType<typeof createCommands>;
