/** Stores the newest results of backups, in one row (O11). */

import type { DatabaseSync } from "node:sqlite";
import { z } from "zod";
import { toAccountId } from "../../core/discord/ids.ts";
import type { BackupState, StoredBackups } from "../../core/store/settings.ts";
import { COMMIT_OPTIONS } from "../database/durability.ts";
import type { Transactions } from "../database/transact.ts";
import { SETTING } from "../schema/settings.ts";

const ROW = { accountId: toAccountId(""), scope: "bot", name: "backups" };

const stateSchema: z.ZodType<BackupState> = z.lazy(() =>
  z.object({
    since: z.number().optional(),
    made: z.object({
      kind: z.literal("made"),
      at: z.number(),
      path: z.string(),
      bytes: z.number(),
    }).optional(),
    failed: z.object({ kind: z.literal("failed"), at: z.number(), why: z.string() }).optional(),
  })
);

/** Creates this part of the namespace. */
export function createStoredBackups(
  database: DatabaseSync,
  { commit, readUnjournaled, upsert }: Pick<Transactions, "commit" | "readUnjournaled"> & {
    readonly upsert: ReturnType<typeof SETTING.prepareInsert>;
  },
): StoredBackups {
  const select = database.prepare(
    "SELECT * FROM setting WHERE account_id = '' AND scope = 'bot' AND name = 'backups'",
  );
  const read = (): BackupState => {
    const row = select.get();
    return row ? stateSchema.parse(JSON.parse(SETTING.read(row).value)) : {};
  };
  return {
    backups: () => readUnjournaled(read),
    recordBackup: (result) =>
      commit(COMMIT_OPTIONS.BY_HAND, () => {
        const before = read();
        const next: BackupState = result.kind === "made"
          ? { ...before, made: result, failed: undefined }
          : result.kind === "failed"
          ? { ...before, failed: result }
          : { ...before, since: before.since ?? result.at };
        upsert({ ...ROW, value: JSON.stringify(next), at: result.at });
      }),
  };
}
