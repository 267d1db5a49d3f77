/** Stores the alerts of the whole bot, in one row: they are few, and change together (O12). */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { ALERT_KIND_NAMES, ALERT_WAYS } from "../../core/alerts.ts";
import { toAccountId } from "../../core/discord/ids.ts";
import type { StoredAlerts } from "../../core/store/settings.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { SETTING } from "../schema/settings.ts";

const ROW = { accountId: toAccountId(""), scope: "bot", name: "alerts" };

const recordsSchema = z.lazy(() => {
  const way = z.enum(ALERT_WAYS);
  return z.array(z.object({
    kind: z.enum(ALERT_KIND_NAMES),
    about: z.string(),
    cause: z.string(),
    fix: z.string().optional(),
    isNoticed: z.boolean().optional(),
    since: z.number(),
    endedAt: z.number().optional(),
    told: z.object({ at: z.number(), way }).optional(),
    owed: z.object({
      event: z.enum(["begins", "lasts", "ends"]),
      nextAt: z.number(),
      tries: z.number(),
      failed: z.array(way),
    }).optional(),
    failure: z.string().optional(),
    returns: z.number(),
  }));
});

/** Creates this part of the namespace. */
export function createStoredAlerts(
  database: DatabaseSync,
  { commit, readUnjournaled, upsert }: Pick<Transactions, "commit" | "readUnjournaled"> & {
    readonly upsert: ReturnType<typeof SETTING.prepareInsert>;
  },
): StoredAlerts {
  const select = database.prepare("SELECT * FROM setting WHERE scope = 'bot' AND name = 'alerts'");
  return {
    alerts: () =>
      readUnjournaled(() => {
        const row = select.get();
        return row ? recordsSchema.parse(JSON.parse(SETTING.read(row).value)) : [];
      }),
    keepAlerts: (records, at) =>
      commit(
        COMMIT_OPTIONS.BY_HAND,
        () => void upsert({ ...ROW, value: JSON.stringify(records), at }),
      ),
  };
}
