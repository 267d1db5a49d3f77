/** Tests that commands beside the bot find its data directory, or report that there is none. */

import assert from "node:assert/strict";
import { chmodSync, chownSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import process from "node:process";
import { describe, it } from "node:test";
import { stopBot, withSimulation } from "../../support/bot/e2e.ts";

/** Another user than root; the account need not exist. */
const SERVICE = 64_998;

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

  const skip = process.getuid?.() !== 0
    ? "only root can start a command as root"
    : process.env["BARNACLE_BIN"]
    ? false
    : "the source needs files of its runtime, which belong to root";

  it(
    "leaves no file of root's in the directory of the service's user",
    { skip },
    () =>
      withSimulation({}, async ({ start, line, cli, dataDir }) => {
        const bot = await start();
        await line(bot, /"Barnacle is running"/);
        await stopBot(bot);
        const files = () => readdirSync(dataDir, { recursive: true, encoding: "utf8" });
        const owners = () =>
          new Set(["", ...files()].map((name) => statSync(join(dataDir, name)).uid));
        for (const name of ["", ...files()]) chownSync(join(dataDir, name), SERVICE, SERVICE);
        for (let at = dirname(dataDir); at !== "/"; at = dirname(at)) {
          chmodSync(at, statSync(at).mode | 0o011);
        }
        for (const args of [["pause"], ["outbox"], ["resume"]]) {
          const { code, stderr } = await cli(...args);
          assert.equal(code, 0, `${args.join(" ")}: ${stderr.join("\n")}`);
          assert.deepEqual([...owners()], [SERVICE], args.join(" "));
        }
      }),
  );
});
