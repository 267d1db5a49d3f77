import assert from "node:assert/strict";
import { afterEach, describe, it } from "node:test";
import { findTarget, findUser } from "../../../src/cli/verdict/named.ts";
import { ACCOUNT, guildMessage, sender } from "../../support/discord/builders.ts";
import { batch } from "../../support/store/store.ts";
import {
  createDataFixture,
  GUILD,
  GUILD_SNAPSHOT,
  HELP,
  removeDataFixtures,
} from "../data_fixture.ts";
import { asPhrase } from "../../../src/cli/verdict/current_rules.ts";

afterEach(removeDataFixtures);

const ADA = sender().id;

describe("[S4] findTarget() and findUser()", () => {
  it("find by id, or by a name that one known channel or person has", async () => {
    const fixture = createDataFixture({
      channels: { discord: { guilds: { [GUILD]: { requireMention: false } } } },
    });
    await fixture.receive(guildMessage());
    await fixture.fill(async (store) => {
      await store.inbox.acceptBatch(batch({ guilds: [GUILD_SNAPSHOT] }), Date.now());
      const help = { kind: "channel", channelId: HELP };
      for (
        const [text, found] of [
          ["#help", help],
          ["help", help],
          ["Friends of Barnacle/help", help],
          [`channel:${HELP}`, help],
          ["@ada", { kind: "user", userId: ADA }],
          ["@grace", "problem"],
          ["#nowhere", "problem"],
          ["dm", "problem"],
          ["123456789012345678", "problem"],
        ] as const
      ) {
        const target = await findTarget(text, store, ACCOUNT);
        if (found === "problem") assert.equal(target.kind, found, text);
        else assert.deepEqual({ ...target }, found, text);
      }
      const problem = await findTarget("#nowhere", store, ACCOUNT);
      assert.match(JSON.stringify(problem), /unknown channel/);
      assert.equal(await findUser("Ada", store), ADA);
      assert.equal(await findUser("123456789012345679", store), "123456789012345679");
      assert.match(JSON.stringify(await findUser("grace", store)), /no known person has the name/);
    });
  });
});

describe("[P1] asPhrase()", () => {
  it("makes the end of a sentence, and keeps the capitals of names", () => {
    assert.equal(asPhrase("The sender is a bot."), "the sender is a bot");
    for (const name of ["Barnacle", "Discord", "PluralKit"]) {
      assert.equal(asPhrase(`${name} is asked.`), `${name} is asked`);
    }
  });
});
