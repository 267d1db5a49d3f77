/** The table of settings that people change by commands, of the loop guard's counts, and of alerts. */

import { account, BLANK_ID, type DeclaredTable, IN, integer, table, text } from "./columns.ts";

/** A setting of an account, by its scope. */
export const SETTING = table("setting", {
  accountId: account(), // empty for alerts, which are of the whole bot
  scope: text(), // key of a session, id of a channel, 'account' or 'bot'
  name: text(), // as SettingName lists them, 'paused', 'loop' or 'alerts'
  value: text(), // JSON if the name is 'paused', 'loop' or 'alerts'
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
