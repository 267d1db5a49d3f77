/** A stranger who guesses codes, replays one, and wants more than direct messages. */

import assert from "node:assert/strict";
import { it } from "node:test";
import { addMember } from "../../../simulator/world/create_world.ts";
import { withSimulation } from "../../support/bot/e2e.ts";

const CODE = /\b[A-HJ-NP-Z2-9]{8}\b/;
const DENIED = "You are not authorized to do that.";

it("[SEC-R13] a pairing code › is not guessed, works once, and opens direct messages only", () =>
  withSimulation({
    discord: ({ world }) => ({
      guilds: { [String([...world.guilds.keys()][0])]: { users: ["ada"] } },
    }),
  }, async ({ simulator, start, say, replies, cli, decided, mention, user, eventually }) => {
    const [krill] = simulator.world.guilds.values();
    assert.ok(krill);
    await start();
    say("mallory", "dm", "let me in");
    const [code = ""] = CODE.exec((await replies("dm", 1, "mallory"))[0] ?? "") ?? [];
    assert.match(code, CODE);
    // A neighbour in each place, a part, and other spellings of nothing.
    for (const guess of [`${code.slice(0, 7)}${code.endsWith("A") ? "B" : "A"}`, "AAAAAAAA"]) {
      assert.equal((await cli("pairing", "approve", guess)).code, 1, guess);
    }
    const shown = await cli("pairing", "approve", code);
    assert.equal(shown.code, 0, shown.stderr.join("\n"));
    assert.match(shown.stderr.join("\n"), new RegExp(user("mallory").id));
    assert.match(shown.stderr.join("\n"), /mallory/);
    const again = await cli("pairing", "approve", code);
    assert.equal(again.code, 1, "the code has worked once");
    assert.equal(await decided(say("mallory", "dm", "hello")), "accept: dm-paired");

    addMember(krill, { userId: user("mallory").id, joinedAt: Date.now() });
    const inGuild = say("mallory", "general", `${mention} hello`);
    assert.equal(await decided(inGuild), "ignore: sender-not-listed");
    await eventually(
      "the commands",
      () => Promise.resolve(simulator.application.commands.length > 0),
    );
    simulator.command({ as: "mallory", in: "#general", name: "status" });
    await eventually(
      "the answer",
      () => Promise.resolve(simulator.ephemeral("mallory").length > 0),
    );
    assert.equal(simulator.ephemeral("mallory")[0]?.content, DENIED);
  }));
