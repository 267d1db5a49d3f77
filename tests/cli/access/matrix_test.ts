import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { accessMatrix } from "../../../src/cli/access/matrix.ts";
import { batch } from "../../support/store/store.ts";
import {
  type DataHouse,
  dataHouse,
  GUILD,
  GUILD_SNAPSHOT,
  removeHouses,
} from "../house_of_data.ts";
import { recordingIo } from "../io.ts";

afterEach(removeHouses);

describe("[P1] barnacle access matrix", () => {
  async function matrix(house: DataHouse, json = false, account?: string) {
    const io = recordingIo();
    const code = await accessMatrix(
      { ...house.flags, json, ...(account !== undefined && { account }) },
      io,
    );
    return { code, out: io.stdout.join("\n") };
  }

  it("is readable at a hundred columns", async () => {
    const users = Array.from({ length: 40 }, (_, index) => `somebody-${index}`);
    const house = dataHouse({
      channels: { discord: { guilds: { [GUILD]: { users, channels: { help: {}, "*": {} } } } } },
    });
    await house.fill((store) => store.inbox.acceptBatch(batch({ guilds: [GUILD_SNAPSHOT] }), 1));
    const { code, out } = await matrix(house);
    assert.equal(code, 0);
    assert.match(out, /^PLACE +MENTION +REACTIONS +COMMANDS +WHO MAY TALK$/m);
    assert.match(
      out,
      /^Friends of Barnacle #help +needed +own +basic\* +somebody-0\?, .*\? \+38$/m,
    );
    assert.deepEqual(out.split("\n").filter(({ length }) => length > 100), []);
  });

  it("[C6] has a table for each account, or for the one that is named", async () => {
    const house = dataHouse({
      channels: { discord: { accounts: { default: {}, work: { dm: { enabled: false } } } } },
    });
    const { out } = await matrix(house);
    assert.match(out, /^\[default\]\nPLACE[\s\S]*^\[work\]\nPLACE/m);
    const work = await matrix(house, false, "work");
    assert.match(work.out, /^direct messages +(?:\S+ +){3}nobody$/m);
    assert.doesNotMatch(work.out, /paired/);
  });

  it("[O10] gives programs every entry", async () => {
    const users = Array.from({ length: 40 }, (_, index) => `somebody-${index}`);
    const house = dataHouse({ channels: { discord: { guilds: { [GUILD]: { users } } } } });
    const { out } = await matrix(house, true);
    const [{ rows, owners }] = JSON.parse(out);
    assert.equal(rows[2].talk.length, 40);
    assert.equal(owners.length, 1);
  });
});
