import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { startSimulator } from "../../simulator/simulator.ts";
import type { WorldEvent } from "../../simulator/world/world.ts";
import { ask, soon, withSimulator } from "./raw_client.ts";

describe("[O5] startSimulator()", () => {
  it("has a demo world of its own, and free ports", async () => {
    const [one, two] = await Promise.all([startSimulator(), startSimulator()]);
    try {
      assert.notEqual(one.apiUrl, two.apiUrl);
      one.say({ as: "ada", in: "#general", text: "only here" });
      assert.equal(one.channel("#general").messages.size, 1);
      assert.equal(two.channel("#general").messages.size, 0);
    } finally {
      await Promise.all([one.close(), two.close()]);
    }
  });

  it("[G14] sends clients to its own gateway", () =>
    withSimulator(async (sim) => {
      const { body } = await ask(sim, "GET", "/gateway/bot");
      assert.equal(Object(body).url, sim.gatewayUrl);
    }));

  it("sends listeners every event until they stop", () =>
    withSimulator((sim) => {
      const heard: WorldEvent["kind"][] = [];
      const stop = sim.subscribe(({ kind }) => heard.push(kind));
      const { id } = sim.say({ as: "ada", in: "#general", text: "one" });
      sim.react({ as: "grace", in: "#general", message: id, emoji: "🦐" });
      stop();
      sim.say({ as: "ada", in: "#general", text: "two" });
      assert.deepEqual(heard, ["message_created", "reaction_added"]);
      return Promise.resolve();
    }));

  it("posted() has only the bot's messages, in order", () =>
    withSimulator(async (sim, { channels, otherBot }) => {
      sim.say({ as: "ada", in: "#general", text: "question" });
      for (
        const [token, content] of [
          [sim.token, "one"],
          [otherBot.token, "not ours"],
          [sim.token, "two"],
        ]
      ) {
        const body = { content, allowed_mentions: { parse: [] } };
        await ask(
          { ...sim, token: String(token) },
          "POST",
          `/channels/${channels.general.id}/messages`,
          body,
        );
      }
      assert.deepEqual(sim.posted("#general").map(({ content }) => content), ["one", "two"]);
      assert.deepEqual(sim.posted("#help"), []);
    }));

  it("until() ends with the signal's reason", () =>
    withSimulator(async (sim) => {
      const stop = new AbortController();
      const waiting = sim.until(() => undefined, stop.signal);
      stop.abort(new RangeError("enough"));
      await assert.rejects(waiting, /enough/);
      await assert.rejects(sim.until(() => undefined, stop.signal), /enough/);
    }));

  it("until() sees the changes of a request", () =>
    withSimulator(async (sim, { channels }) => {
      const posted = sim.until(() => sim.posted()[0], soon());
      const body = { content: "hello", allowed_mentions: { parse: [] } };
      await ask(sim, "POST", `/channels/${channels.general.id}/messages`, body);
      assert.equal((await posted).content, "hello");
    }));

  it("until() rejects with the error of its check", () =>
    withSimulator(async (sim) => {
      const broken = () => {
        throw new TypeError("a mistake in the check");
      };
      await assert.rejects(sim.until(broken, soon()), /a mistake in the check/);
    }));
});
