/**
 * Writes the digest of the store's tables into `src/store/database/migrations.ts`. Only until 1.0.0 is
 * published: then the digest of a schema stays.
 */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { columnsOf, migrate, MIGRATIONS } from "../../src/store/database/migrations.ts";
import { ROOT, updateGenerated } from "./generated.ts";

const PATH = "src/store/database/migrations.ts";

const database = new DatabaseSync(":memory:");
migrate(database, MIGRATIONS, () => {});
const text = readFileSync(join(ROOT, PATH), "utf8")
  .replace(/(COLUMNS[^\n]*= \[\s*)"[0-9a-f]{64}"/, `$1"${columnsOf(database)}"`);
updateGenerated("scripts/reference/schema.ts", [{ path: PATH, text }]);
