import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { createVerdictReader } from "../../../../src/cli/demo/simulation/outcomes.ts";
import { DATABASE_NAME } from "../../../../src/host/files/data_dir.ts";
import { openStore } from "../../../../src/store/store.ts";
import { guildMessage, messageId } from "../../../support/discord/builders.ts";
import { batch, heard, ignored } from "../../../support/store/store.ts";
import { tempDirectory } from "../../../support/temp_directory.ts";

describe("[P1] createVerdictReader()", () => {
  it("returns nothing without a database, and creates none", async () => {
    using directory = tempDirectory();
    const verdicts = createVerdictReader(directory.path);
    assert.deepEqual(await verdicts.next(), []);
    verdicts.close();
  });

  it("returns each verdict once, while the bot runs", async () => {
    using directory = tempDirectory();
    const verdicts = createVerdictReader(directory.path);
    await verdicts.next();
    const store = openStore(join(directory.path, DATABASE_NAME), { now: 0, elapsed: () => 0 });
    const record = (id: string, seq: number) =>
      store.inbox.acceptBatch(
        batch({ heard: heard(seq), judged: [ignored(guildMessage({ id: messageId(id) }))] }),
        1,
      );
    try {
      await record("1400000000000000001", 1);
      const [first, ...others] = await verdicts.next();
      assert.equal(first?.messageId, "1400000000000000001");
      assert.equal(first?.why, "no-mention");
      assert.deepEqual(others, []);
      assert.deepEqual(await verdicts.next(), []);
      await record("1400000000000000002", 2);
      assert.deepEqual((await verdicts.next()).map(({ messageId }) => messageId), [
        "1400000000000000002",
      ]);
    } finally {
      verdicts.close();
      store.close();
    }
  });
});
