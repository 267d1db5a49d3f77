/** The table of settings that people change by commands, and of the loop guard's counts. */

import { account, BLANK_ID, type DeclaredTable, IN, integer, table, text } from "./columns.ts";

/** A setting of an account, by its scope. */
export const SETTING = table("setting", {
  accountId: account(),
  scope: text(), // key of a session, id of a channel, or 'account'
  name: text(), // as SettingName lists them, 'paused' or 'loop'
  value: text(), // JSON if the name is 'paused' or 'loop'
  at: integer(),
}, {
  key: ["accountId", "scope", "name"],
  isOfBot: true,
  forgets: {
    // A queue mode and a count belong to a channel, other settings to a session.
    delete: `${IN("scope", "sessions")} OR ${IN("scope", "channels")}`,
    set: [{
      where: "iif(name = 'paused', value ->> '$.by', 0) = :userId",
      to: `value = json_set(value, '$.by', '${BLANK_ID}')`,
    }],
  },
});

/** The tables of this topic. */
export const SETTING_TABLES: readonly DeclaredTable[] = [SETTING];
