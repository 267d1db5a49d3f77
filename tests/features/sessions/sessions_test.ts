import assert from "node:assert/strict";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { forget, list, reset } from "../../../src/features/sessions/sessions.ts";
import { lockForCommand } from "../../../src/cli/shared/running_bot.ts";
import { DATABASE_NAME } from "../../../src/host/files/data_dir.ts";
import { openStore } from "../../../src/store/store.ts";
import { ACCOUNT, guildMessage, messageId } from "../../support/discord/builders.ts";
import { accepted, batch, ROUTE } from "../../support/store/store.ts";
import { tempDirectory } from "../../support/temp_directory.ts";
import { recordingIo } from "../../cli/io.ts";

const { sessionKey: KEY } = ROUTE;
/** A data directory with one answered message. */
async function fill(data: string): Promise<void> {
  const now = Date.now();
  const store = openStore(join(data, DATABASE_NAME), { now, elapsed: () => 0 });
  const message = guildMessage({ id: messageId("101"), text: "hello" });
  await store.inbox.acceptBatch(batch({ judged: [accepted(message)] }), now);
  const claim = await store.inbox.claimNext(ACCOUNT, now, []);
  assert.ok(claim);
  const stamp = { messageId: message.id, at: now };
  await store.turns.finishTurn({
    claim,
    end: { kind: "answered" },
    entries: [
      { role: "user", text: "hello", ...stamp },
      { role: "assistant", text: "hi", ...stamp },
    ],
    outbox: [],
  }, now);
  store.close();
}

type Run = typeof list;

async function run(command: Run) {
  using directory = tempDirectory();
  const data = directory.path;
  await fill(data);
  const io = recordingIo();
  const code = await command({ data, json: false }, io);
  return { code, out: io.stdout.join("\n"), err: io.stderr.join("\n") };
}

describe("barnacle sessions", () => {
  it("[S2] list › shows key and display name", async () => {
    const { code, out } = await run(list);
    assert.equal(code, 0);
    assert.match(
      out,
      new RegExp(`^[0-9a-f]{6}  discord:\\S+#\\S+  2 shown  0 folded  2 in all  .*${KEY}$`),
    );
  });

  it("[S2] list › uses the guild's slug of the config", async () => {
    const { out } = await run((flags, io) => {
      const config = join(flags.data ?? "", "barnacle.json");
      const { place } = guildMessage();
      const id = place.kind === "guild" ? place.guild.id : "";
      const guilds = { [id]: { slug: "den" } };
      writeFileSync(config, JSON.stringify({ channels: { discord: { guilds } } }));
      return list({ ...flags, config }, io);
    });
    assert.match(out, / {2}discord:den#/);
  });

  it("[S4a] reset › begins a new transcript, once", async () => {
    const twice: Run = async (flags, io) => {
      assert.equal(await reset(flags, KEY, io), 0);
      return await reset(flags, KEY, io);
    };
    const { code, out, err } = await run(twice);
    assert.equal(code, 0);
    assert.match(out, /2 entries stay stored/);
    assert.match(err, /nothing changed/);
  });
});

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
          const lock = await lockForCommand(flags.data ?? "");
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
      const folder = join(flags.data ?? "", "backups");
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
      assert.ok(flags.data);
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
        assert.ok(flags.data);
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
