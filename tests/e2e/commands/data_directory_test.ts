/** Tests that commands beside the bot find its data directory, or report that there is none. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, it } from "node:test";
import { withSimulation } from "../../support/bot/e2e.ts";

describe("[X2] a command without --data", () => {
  it("finds the directory of the running bot, and names it on stderr", () =>
    withSimulation({}, async ({ start, line, command, dataDir }) => {
      await line(await start(), /"Barnacle is running"/);
      for (const args of [["outbox"], ["pairing", "list"], ["status"]]) {
        const { code, stderr } = await command(args);
        const said = stderr.join("\n");
        assert.ok(said.includes(dataDir), said);
        // Other tests may run their bots at the same time: then the command asks for a choice.
        if (/several bots run/.test(said)) assert.equal(code, 75, said);
        else assert.match(said, /^Using .*, the data of the running bot \(pid \d+\)/);
      }
    }));

  it("reports a directory that is missing, and never an empty list", () =>
    withSimulation({}, async ({ command, dataDir }) => {
      const data = join(dataDir, "none");
      for (const args of [["outbox"], ["pairing", "list"], ["why", "1400000000000000001"]]) {
        const { code, stdout, stderr } = await command([...args, "--data", data]);
        assert.equal(code, 75);
        assert.deepEqual(stdout, []);
        assert.deepEqual(stderr, [`barnacle: no data directory ${data}; set --data to the bot's`]);
      }
    }));
});
