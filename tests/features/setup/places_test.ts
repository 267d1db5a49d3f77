/** Plays the chapters of servers, channels and the owner against the simulated Discord. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Simulator, startSimulator } from "../../../simulator/simulator.ts";
import { apiOf } from "../../../src/cli/shared/discord.ts";
import { presentIn } from "../../../src/features/setup/answers.ts";
import { askChannels, askOwner, askServers } from "../../../src/features/setup/ask_places.ts";
import { loadedOf } from "../../config/support.ts";
import { FINISHED, scriptedSetup, withServers } from "./support.ts";

/** Plays with a bot in two servers, and the config that exists. */
async function play(
  answers: readonly (string | boolean)[],
  config: (simulator: Simulator) => object,
  test: (scripted: ReturnType<typeof scriptedSetup>, simulator: Simulator) => Promise<void>,
) {
  const simulator = await startSimulator();
  try {
    const api = apiOf({ DISCORD_API_URL: simulator.apiUrl });
    assert.ok("base" in api);
    const present = presentIn(await loadedOf(JSON.stringify(config(simulator))), {});
    const scripted = scriptedSetup(answers, { api: api.base, present });
    await test(scripted, simulator);
    assert.ok(scripted.isDone());
  } finally {
    await simulator.close();
  }
}

const named = (all: readonly { readonly name: string }[] = []) => all.map(({ name }) => name);

describe("[O3] the chapters of places and people", () => {
  for (
    const [status, why] of [[401, "Discord no longer accepts the token"], [403, "Discord does"]]
  ) {
    it(`ask again while Discord refuses with ${status}`, async () => {
      const { setup, lines } = scriptedSetup([true, false]);
      const refusal = () => Response.json({ message: "no", code: 0 }, { status: Number(status) });
      await assert.rejects(withServers(refusal, () => askServers(FINISHED, setup)), /no servers/);
      assert.deepEqual(lines.filter((line) => line.startsWith(`fail  ${why}`)).length, 2);
    });
  }

  const answers = ["Several of them", "Krill & Co", "Only in some channels", "#help"];
  it("take several servers and some of their channels, and say what the bot lacks there", () =>
    play(answers, () => ({}), async ({ setup, lines }, simulator) => {
      simulator.permit({ to: "Barnacle", what: "attachFiles", as: "denied", in: "help" });
      simulator.permit({ to: "@everyone", what: "viewChannel", as: "denied", in: "help" });
      simulator.permit({ to: "Barnacle", what: "viewChannel", as: "allowed", in: "help" });
      const asked = await askServers({ token: simulator.token, bot: FINISHED.bot! }, setup);
      assert.deepEqual([named(asked.places), named(asked.otherPlaces)], [["Krill & Co"], [
        "Elsewhere",
      ]]);
      const { places: [place] = [] } = await askChannels(asked, setup);
      assert.ok(place?.channels !== "all");
      assert.deepEqual(named(place?.channels), ["help"]);
      assert.deepEqual(named(place?.others), ["general", "off-topic"]);
      assert.match(
        lines.at(-1) ?? "",
        /^warn {2}#help \(private\): the bot lacks Attach Files \(.*Barnacle\)\. Grant it in the channel's/,
      );
    }));

  it("take a whole server, with the channels in which the bot can answer", () =>
    play(["Krill & Co", "In every channel that it can see (2 of 3)"], () => ({}), async (
      { setup, lines },
      simulator,
    ) => {
      simulator.permit({ to: "Barnacle", what: "sendMessages", as: "denied", in: "help" });
      const asked = await askServers({ token: simulator.token, bot: FINISHED.bot! }, setup);
      const { places } = await askChannels(asked, setup);
      assert.deepEqual(places?.map(({ channels }) => channels), ["all"]);
      assert.match(
        lines.at(-1) ?? "",
        /can answer in 2 of 3 channels; the others lack a permission/,
      );
    }));

  it("offer the owner of the config first", () => {
    const owners = ({ world }: Simulator) =>
      Array.from(world.users.values()).filter(({ username }) => username === "grace");
    return play(
      ["@grace"],
      (simulator) => ({ commands: { ownerAllowFrom: owners(simulator).map(({ id }) => id) } }),
      async ({ setup, lines }, simulator) => {
        const { owner } = await askOwner({ ...FINISHED, token: simulator.token }, setup);
        assert.equal(owner?.name, "grace");
        assert.equal(lines[0], "?     Who are you?");
      },
    );
  });
});
