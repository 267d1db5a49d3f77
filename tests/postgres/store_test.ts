/**
 * Plays the tests of the store a second time, with a copy of each store in PostgreSQL.
 *
 * SQLite stays the store; its pages go to PostgreSQL after each commit. So this proves two things: a
 * store with an owner passes the same tests, and another process would get the same store.
 */

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, afterEach, it } from "node:test";
import fc from "fast-check";
import { filesIn } from "../../scripts/import_graph.ts";
import { fewerCases } from "../support/long_form.ts";
import { shareStores } from "../support/store/open_database.ts";
import { NEEDS_POSTGRES, startPostgres } from "../support/store/postgres.ts";
import { createSharedStores } from "../support/store/shared_stores.ts";
import { tempDirectory } from "../support/temp_directory.ts";

/** Tests that are not played here. */
const OTHERS = [
  "tests/store/replica/", // of PostgreSQL itself
  "tests/store/caches_test.ts", // of memory
  "tests/store/query_plans_test.ts", // of statements
];

/** Part of the cases that are played here: random ones are for the code, not for the pages. */
const PART = 20;

/** A disk in memory: hundreds of stores would wait for another one. */
const MEMORY = "/dev/shm";

/** A store that has no copy here. */
const OPENS_ALONE =
  /import \{[^}]*\b(?:createStore|openStore)\b[^}]*\} from "[./]+src\/store\/store/;

const root = join(import.meta.dirname ?? "", "..", "..");
const files = filesIn(root, "tests/store").filter((file) =>
  file.endsWith("_test.ts") && !OTHERS.some((other) => file.startsWith(other))
);

it("[O15] the tests of the store open each store where it gets a copy in PostgreSQL", () => {
  const alone = files.filter((file) => OPENS_ALONE.test(readFileSync(join(root, file), "utf8")));
  assert.deepEqual(alone, [], "import these functions from tests/support/store/open_database.ts");
});

const TITLE = "[O15] the tests of the store leave the same store in PostgreSQL as in the file";

if (NEEDS_POSTGRES.skip) it(TITLE, NEEDS_POSTGRES, () => {});
else {
  const server = await startPostgres();
  const folder = tempDirectory(existsSync(MEMORY) ? MEMORY : undefined);
  const stores = await createSharedStores([1, 2, 3].map(() => server.create()), folder.path);
  shareStores(stores);
  fewerCases(PART);
  fc.configureGlobal({ numRuns: 100 / PART });
  afterEach((test) => stores.endTest("name" in test ? test.name : ""));
  after(async () => {
    await stores.close();
    await server.close();
    folder[Symbol.dispose]();
  });
  for (const file of files) await import(join(root, file));
  it(TITLE, () => { // the last one: Deno takes no failure of a hook for one of its test
    assert.deepEqual(stores.differences, []);
    const { compared, left } = stores.figures();
    assert.ok(compared > left, `${compared} stores have a copy, and ${left} have none`);
  });
}
