/** Lets a scheduled run come at once, for tests of the whole bot. */

import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import type { Scene } from "./e2e.ts";

/** Sets the time of a schedule to now; a running bot notices that it goes on after a pause. */
export async function makeDue({ dataDir, cli }: Scene, id = "1"): Promise<void> {
  await cli("schedules", "pause", id);
  const database = new DatabaseSync(join(dataDir, DATABASE_NAME), { timeout: 5_000 });
  try {
    database.prepare("UPDATE schedule SET next_at = ? WHERE id = ?").run(Date.now(), id);
  } finally {
    database.close();
  }
  await cli("schedules", "resume", id);
}
