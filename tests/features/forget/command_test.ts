import assert from "node:assert/strict";
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { toAccountId } from "../../../src/core/discord/ids.ts";
import { OWN_LOGINS } from "../../../src/host/files/data_dir.ts";
import { ADA, commandAccount } from "../../support/bot/commands.ts";
import { type Given, runBeside } from "../../support/bot/test_account.ts";
import { tempDirectory } from "../../support/temp_directory.ts";

const OPEN = { dm: { policy: "open", allowFrom: ["*"] } };
const open = (given: Given = {}) => commandAccount({ discord: OPEN, ...given });
const BOB = { ...ADA, id: "1900000000000000002", username: "bob" };

describe("[X5] /forget", () => {
  const forgetting = async (given: Given = {}) => {
    const bot = await open(given);
    const files: string[] = [];
    const told: unknown[] = [];
    Object.assign(bot.account.bot, {
      media: { folder: { forget: (id: string) => Promise.resolve(files.push(id)) } },
    });
    const changedByCommand = (...of: unknown[]) => void told.push(of);
    runBeside(bot.account, toAccountId("b"), { changedByCommand });
    const names = () =>
      bot.rows("SELECT DISTINCT message ->> '$.sender.username' AS name FROM inbox");
    return { ...bot, files, told, names };
  };

  it("deletes the asker's rows, files and sign-ins, and tells all accounts", async () => {
    using folder = tempDirectory();
    const { account, dm, slash, names, files, told } = await forgetting();
    Object.assign(account.bot, { dataDir: folder.path });
    const logins = join(folder.path, OWN_LOGINS);
    for (const { id } of [ADA, BOB]) mkdirSync(join(logins, id), { recursive: true });
    await dm("hello");
    assert.deepEqual(names(), [{ name: "ada" }]);
    assert.match(await slash("forget", { who: "me" }, { as: ADA }), /^I have deleted/);
    assert.deepEqual([names(), files, told], [[], [ADA.id], [["forgetting", ADA.id]]]);
    assert.deepEqual(readdirSync(logins), [BOB.id]);
  });

  it("waits for open turns, and for the choice of “me”", async () => {
    const { dm, slash, files } = await forgetting({ says: () => new Promise(() => {}) });
    await dm("hello");
    assert.match(await slash("forget", { who: "me" }, { as: ADA }), /^I am still working/);
    assert.match(await slash("forget", { who: "you" }, { as: ADA }), /^Nothing is deleted/);
    assert.deepEqual(files, []);
  });

  it("[P10] forgets another person for an owner alone, who is offered names", async () => {
    const { dm, slash, files, suggestions } = await forgetting();
    await dm("hello");
    assert.deepEqual(await suggestions("forget", { who: "" }, { as: BOB }), [{
      name: "me",
      value: "me",
    }]);
    const [, known] = await suggestions("forget", { who: "" }) ?? [];
    assert.equal(known?.value, ADA.id);
    assert.equal(
      await slash("forget", { who: ADA.id }, { as: BOB }),
      "You are not authorized to do that.",
    );
    assert.deepEqual(files, []);
    assert.match(await slash("forget", { who: ADA.id }), /of <@19\d+>\.$/);
    assert.deepEqual(files, [ADA.id]);
  });
});
