import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterEach, describe, it } from "node:test";
import { lockForCommand } from "../../../src/cli/shared/running_bot.ts";
import { forget } from "../../../src/features/forget/cli.ts";
import { createDataFixture, type DataFixture, removeDataFixtures } from "../../cli/data_fixture.ts";
import { recordingIo } from "../../cli/io.ts";
import { guildMessage } from "../../support/discord/builders.ts";
import { batch, ignored } from "../../support/store/store.ts";

afterEach(removeDataFixtures);

/** Gives a command, with one message on record. */
async function run(
  command: (
    flags: DataFixture["flags"],
    io: ReturnType<typeof recordingIo>,
  ) => Promise<number>,
) {
  const fixture = createDataFixture();
  const judged = [ignored(guildMessage(), true)];
  await fixture.fill(({ inbox }) => inbox.acceptBatch(batch({ judged }), Date.now()));
  const io = recordingIo();
  const code = await command(fixture.flags, io);
  return { code, out: io.stdout.join("\n"), err: io.stderr.join("\n") };
}

describe("[X5] barnacle forget", () => {
  it("deletes nothing unless the operator confirms", async () => {
    const { code, err } = await run((flags, io) =>
      forget(
        { ...flags, yes: false, deleteBackups: false },
        "123456789012345678",
        { ...io, confirm: () => Promise.resolve(false) },
      )
    );
    assert.equal(code, 1);
    assert.match(err, /Nothing was deleted/);
  });

  it("[X2] asks while the bot can start", async () => {
    const { err } = await run((flags, io) =>
      forget({ ...flags, yes: false, deleteBackups: false }, "123456789012345678", {
        ...io,
        async confirm() {
          const lock = await lockForCommand(flags.data);
          assert.equal(lock.kind, "held");
          if (lock.kind === "held") lock.release();
          return false;
        },
      })
    );
    assert.match(err, /Nothing was deleted/);
  });

  it("says how to find the id of a person whom the operator names", async () => {
    const { code, err } = await run((flags, io) =>
      forget({ ...flags, yes: true, deleteBackups: false }, "grace", io)
    );
    assert.equal(code, 2);
    assert.match(
      err,
      /no known person has the name "grace"; use an id or <@id>: with .* a person's menu copies/,
    );
  });

  it("names the backups that it deletes", async () => {
    const { code, err } = await run((flags, io) => {
      const folder = join(flags.data, "backups");
      mkdirSync(folder);
      writeFileSync(join(folder, "old.tar.gz"), "x");
      return forget(
        { ...flags, yes: true, deleteBackups: true },
        "123456789012345678",
        io,
      );
    });
    assert.equal(code, 0, err);
    assert.match(err, /^Deleted .*backups.old\.tar\.gz$/m);
  });

  it("forgets the person of a mention", async () => {
    const { sender } = guildMessage();
    const { code, out } = await run((flags, io) =>
      forget({ ...flags, yes: true, deleteBackups: false }, `<@${sender.id}>`, io)
    );
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^Forgot user ${sender.id}: \\d+ rows? deleted`));
  });

  it("[H7] deletes the person's files, and no other's", async () => {
    const { sender } = guildMessage();
    let left: readonly string[] = [];
    await run(async (flags, io) => {
      const folder = join(flags.data, "media", "101");
      mkdirSync(folder, { recursive: true });
      for (const name of [`${sender.id}-1.txt`, "42-2.txt"]) writeFileSync(join(folder, name), "x");
      const code = await forget(
        { ...flags, yes: true, deleteBackups: false },
        sender.id,
        io,
      );
      left = readdirSync(folder);
      return code;
    });
    assert.deepEqual(left, ["42-2.txt"]);
  });

  it("lists copies from before, and deletes them with --delete-backups or after a question", async () => {
    const { sender } = guildMessage();
    for (const how of ["listed", "flag", "question"]) {
      let left: readonly string[] = [];
      const { code, err } = await run(async (flags, io) => {
        const copies = ["backups/barnacle-x.tar.gz", "before-restore-x.bak/barnacle.db"];
        for (const name of [...copies, "barnacle.db.schema1-x.bak", "backups/.lock"]) {
          mkdirSync(dirname(join(flags.data, name)), { recursive: true });
          writeFileSync(join(flags.data, name), "x");
        }
        const all = { ...flags, yes: how !== "question", deleteBackups: how === "flag" };
        const code = await forget(all, sender.id, { ...io, confirm: () => Promise.resolve(true) });
        left = [...readdirSync(flags.data), ...readdirSync(join(flags.data, "backups"))]
          .filter((name) => /\.bak$|gz$|^\.?lock$/.test(name)).toSorted();
        return code;
      });
      if (how === "listed") {
        assert.equal(code, 1);
        assert.equal(err.match(/may still have their data; --delete-backups/g)?.length, 3);
        assert.equal(left.length, 5);
      } else {
        assert.equal(code, 0, err);
        assert.deepEqual(left, [".lock", "lock"]);
      }
    }
  });
});
