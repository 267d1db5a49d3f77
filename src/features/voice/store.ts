/** `store.voice`: calls in voice channels, and people's words about being heard there (V3). */

import type { AccountId, GuildId } from "../../core/discord/ids.ts";
import { COMMIT_OPTIONS } from "../../store/database/commits.ts";
import type { Transactions } from "../../store/database/commits.ts";
import { VOICE_CALL, VOICE_CHOICE } from "./table.ts";

export type VoiceCall = ReturnType<typeof VOICE_CALL.read>;
export type VoiceChoice = ReturnType<typeof VOICE_CHOICE.read>;

export function createVoice({ database, sql, commit, read }: Transactions) {
  const selectCalls = sql.rows(VOICE_CALL.read)`SELECT * FROM voice_call WHERE account_id = ?`;
  const selectCall = sql.rows(VOICE_CALL.read)`SELECT * FROM voice_call WHERE guild_id = ?`;
  const upsertCall = VOICE_CALL.prepareInsert(
    database,
    `ON CONFLICT (guild_id) DO UPDATE SET account_id = excluded.account_id,
       channel_id = excluded.channel_id, call_id = excluded.call_id, terms = excluded.terms,
       begun_by = excluded.begun_by,
       user_id = IIF(call_id = excluded.call_id, user_id, excluded.user_id), told_in = excluded.told_in, is_over = 0, at = excluded.at`,
  );
  const setOver = sql`
    UPDATE voice_call SET is_over = 1 WHERE account_id = ? AND guild_id = ? AND call_id = ?`;
  const removeCall = sql`
    DELETE FROM voice_call WHERE account_id = ? AND guild_id = ? AND call_id = ?`;
  const selectChoices = sql.rows(VOICE_CHOICE.read)`
    SELECT * FROM voice_choice WHERE account_id = ? AND guild_id = ?`;
  const upsertChoice = VOICE_CHOICE.prepareInsert(
    database,
    `ON CONFLICT (account_id, guild_id, user_id) DO UPDATE SET choice = excluded.choice,
       call_id = excluded.call_id, at = excluded.at`,
  );
  const removeChoices = sql`
    DELETE FROM voice_choice
    WHERE account_id = ? AND guild_id = ? AND call_id = ? AND choice <> 'deaf'`;
  return {
    /** The calls of an account that the last process did not end, and those that must not begin. */
    calls: (accountId: AccountId): Promise<readonly VoiceCall[]> =>
      read(() => selectCalls.all(accountId)),
    /** @returns The call of another account in the guild; then it must not begin. */
    begin: (call: VoiceCall): Promise<VoiceCall | undefined> =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        const other = selectCall.get(call.guildId);
        const isOther = other && other.accountId !== call.accountId && !other.isOver;
        if (!isOther) upsertCall(call);
        return isOther ? other : undefined;
      }),
    /**
     * A call has ended, and with it each consent.
     *
     * @param staysOver Whether it must not begin by itself again.
     */
    end: (
      { accountId, guildId, callId }: Pick<VoiceCall, "accountId" | "guildId" | "callId">,
      staysOver: boolean,
    ): Promise<void> =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        (staysOver ? setOver : removeCall).run(accountId, guildId, callId);
        removeChoices.run(accountId, guildId, callId);
      }),
    choices: (accountId: AccountId, guildId: GuildId): Promise<readonly VoiceChoice[]> =>
      read(() => selectChoices.all(accountId, guildId)),
    choose: (choice: VoiceChoice): Promise<void> =>
      commit(COMMIT_OPTIONS.BY_HAND, () => void upsertChoice(choice)),
  };
}
