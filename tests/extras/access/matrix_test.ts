import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { accessMatrix } from "../../../src/extras/access/matrix.ts";
import { guildMessage } from "../../support/discord/builders.ts";
import { accepted, batch } from "../../support/store/store.ts";
import {
  createDataFixture,
  type DataFixture,
  GUILD,
  GUILD_SNAPSHOT,
  removeDataFixtures,
} from "../../cli/data_fixture.ts";
import { recordingIo } from "../../cli/io.ts";

afterEach(removeDataFixtures);

describe("[P1] barnacle access matrix", () => {
  async function matrix(fixture: DataFixture, json = false, account?: string) {
    const io = recordingIo();
    const code = await accessMatrix(
      { ...fixture.flags, json, ...(account !== undefined && { account }) },
      io,
    );
    return { code, out: io.stdout.join("\n") };
  }

  it("fits into a hundred columns", async () => {
    const users = Array.from({ length: 40 }, (_, index) => `somebody-${index}`);
    const fixture = createDataFixture({
      channels: { discord: { guilds: { [GUILD]: { users, channels: { help: {}, "*": {} } } } } },
    });
    await fixture.fill((store) => store.inbox.acceptBatch(batch({ guilds: [GUILD_SNAPSHOT] }), 1));
    const { code, out } = await matrix(fixture);
    assert.equal(code, 0);
    assert.match(out, /^PLACE +MENTION +REACTIONS +COMMANDS +WHO MAY TALK$/m);
    assert.match(
      out,
      /^Friends of Barnacle #help +needed +own +basic\* +somebody-0\?, .*\? \+38$/m,
    );
    assert.deepEqual(out.split("\n").filter(({ length }) => length > 100), []);
  });

  it("[C6] prints a table for each account, or for --account", async () => {
    const fixture = createDataFixture({
      channels: { discord: { accounts: { default: {}, work: { dm: { enabled: false } } } } },
    });
    const { out } = await matrix(fixture);
    assert.match(out, /^\[default\]\nPLACE[\s\S]*^\[work\]\nPLACE/m);
    const work = await matrix(fixture, false, "work");
    assert.match(work.out, /^direct messages +(?:\S+ +){3}no one$/m);
    assert.doesNotMatch(work.out, /paired/);
  });

  it("[O3] reports a named data directory without a store, and counts no paired users", async () => {
    const { flags } = createDataFixture({});
    const io = recordingIo();
    assert.equal(await accessMatrix({ ...flags, data: `${flags.data}/nowhere` }, io), 0);
    assert.match(io.stderr.join("\n"), /^Without pairings and names: no data directory .*nowhere/m);
    assert.doesNotMatch(io.stdout.join("\n"), /paired users \(0\)/);
  });

  it("names the people of ids, owners too, whom the bot knows", async () => {
    const { sender } = guildMessage();
    const fixture = createDataFixture({
      commands: { ownerAllowFrom: [sender.id, "7"] },
      channels: { discord: { dm: { policy: "allowlist", allowFrom: [sender.id] } } },
    });
    await fixture.fill((store) =>
      store.inbox.acceptBatch(batch({ judged: [accepted(guildMessage())] }), 1)
    );
    const { out } = await matrix(fixture);
    const named = `${sender.username} = ${sender.id}`;
    assert.ok(out.includes(`Owners: ${named}, 7.`), out);
    assert.match(out, new RegExp(`^direct messages .* ${named}$`, "m"));
    const [{ rows: [direct], owners, names }] = JSON.parse((await matrix(fixture, true)).out);
    assert.deepEqual([direct.talk, owners, names], [[sender.id], [sender.id, "7"], undefined]);
  });

  it("[O10] prints every entry as JSON", async () => {
    const users = Array.from({ length: 40 }, (_, index) => `somebody-${index}`);
    const fixture = createDataFixture({
      channels: { discord: { guilds: { [GUILD]: { users } } } },
    });
    const { out } = await matrix(fixture, true);
    const [{ rows, owners }] = JSON.parse(out);
    assert.equal(rows[2].talk.length, 40);
    assert.equal(owners.length, 1);
  });
});
