import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { lockForCommand } from "../../../src/cli/shared/running_bot.ts";
import { forget } from "../../../src/features/forget/cli.ts";
import { createDataFixture, removeDataFixtures } from "../../cli/data_fixture.ts";
import { recordingIo } from "../../cli/io.ts";
import { guildMessage } from "../../support/discord/builders.ts";
import { batch, ignored } from "../../support/store/store.ts";

afterEach(removeDataFixtures);

const { sender } = guildMessage();

/** Forgets a person, with one message on record; `prepare` changes the data before, or the answer. */
async function run(
  who: string = sender.id,
  given: { readonly yes?: boolean; readonly deleteBackups?: boolean } = {},
  prepare: (data: string) => { readonly confirm?: () => Promise<boolean> } | void = () => {},
) {
  const fixture = createDataFixture();
  const judged = [ignored(guildMessage(), true)];
  await fixture.fill(({ inbox }) => inbox.acceptBatch(batch({ judged }), Date.now()));
  const io = recordingIo();
  const flags = { ...fixture.flags, yes: true, deleteBackups: false, ...given };
  const code = await forget(flags, who, { ...io, ...prepare(flags.data) });
  return { code, out: io.stdout.join("\n"), err: io.stderr.join("\n"), data: flags.data };
}

describe("[X5] barnacle forget", () => {
  it("[X2] deletes nothing unless the operator confirms, and asks while the bot can start", async () => {
    const { code, err } = await run(sender.id, { yes: false }, (data) => ({
      async confirm() {
        const lock = await lockForCommand(data);
        assert.equal(lock.kind, "held");
        if (lock.kind === "held") lock.release();
        return false;
      },
    }));
    assert.equal(code, 1);
    assert.match(err, /Nothing was deleted/);
  });

  it("says how to find the id of a person whom the operator names", async () => {
    const { code, err } = await run("grace");
    assert.equal(code, 2);
    assert.match(
      err,
      /no known person has the name "grace"; use an id or <@id>: with .* a person's menu copies/,
    );
  });

  it("[H7] forgets the person of a mention, with their files and no other's", async () => {
    let folder = "";
    const { code, out } = await run(`<@${sender.id}>`, {}, (data) => {
      folder = join(data, "media", "101");
      mkdirSync(folder, { recursive: true });
      for (const name of [`${sender.id}-1.txt`, "42-2.txt"]) writeFileSync(join(folder, name), "x");
    });
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^Forgot user ${sender.id}: \\d+ rows? deleted`));
    assert.deepEqual(readdirSync(folder), ["42-2.txt"]);
  });

  it("lists copies from before, and deletes them with --delete-backups or after a question", async () => {
    for (const how of ["listed", "flag", "question"]) {
      const given = { yes: how !== "question", deleteBackups: how === "flag" };
      const { code, err, data } = await run(sender.id, given, (data) => {
        const copies = ["backups/barnacle-x.tar.gz", "before-restore-x.bak/barnacle.db"];
        for (const name of [...copies, "barnacle.db.schema1-x.bak", "backups/.lock"]) {
          mkdirSync(dirname(join(data, name)), { recursive: true });
          writeFileSync(join(data, name), "x");
        }
        return { confirm: () => Promise.resolve(true) };
      });
      const left = [...readdirSync(data), ...readdirSync(join(data, "backups"))]
        .filter((name) => /\.bak$|gz$|^\.?lock$/.test(name)).toSorted();
      if (how === "listed") {
        assert.equal(code, 1);
        assert.equal(err.match(/may still have their data; --delete-backups/g)?.length, 3);
        assert.equal(left.length, 5);
      } else {
        assert.equal(code, 0, err);
        assert.match(err, /^Deleted .*backups.barnacle-x\.tar\.gz$/m);
        assert.deepEqual(left, [".lock", "lock"]);
      }
    }
  });
});
