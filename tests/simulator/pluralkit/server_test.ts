import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Pluralkit, startPluralkit } from "../../../simulator/pluralkit/server.ts";
import type { Simulator } from "../../../simulator/simulator.ts";
import type { DemoWorld } from "../../../simulator/actions/demo_world.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { withSimulator } from "../raw_client.ts";

const LUNA = { id: "lunaa", name: "Luna" };
const TIDE = { id: "tides", name: "Tide" };

interface Told {
  readonly status: number;
  readonly body: { readonly [name: string]: unknown };
  readonly headers: Headers;
}

async function lookUp(
  { apiUrl }: Pluralkit,
  id: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Told> {
  const response = await fetch(`${apiUrl}/messages/${id}`, {
    headers: { "User-Agent": "a test", ...headers },
    signal: AbortSignal.timeout(60_000),
  });
  return { status: response.status, body: await response.json(), headers: response.headers };
}

function withPluralkit(
  test: (pluralkit: Pluralkit, sim: Simulator, demo: DemoWorld, clock: FakeClock) => Promise<void>,
): Promise<void> {
  const clock = new FakeClock();
  return withSimulator(async (sim, demo) => {
    const pluralkit = await startPluralkit({ simulator: sim, now: clock.now });
    try {
      await test(pluralkit, sim, demo, clock);
    } finally {
      await pluralkit.close();
    }
  }, { now: clock.now });
}

const say = (sim: Simulator) => sim.say({ as: "grace", in: "#general", text: "L: hello" });

describe("[P13] the simulated PluralKit", () => {
  it("names the author of a message, by PluralKit's message model", () =>
    withPluralkit(async (pluralkit, sim, { people, channels, krill }) => {
      const original = say(sim);
      const proxied = pluralkit.proxy(original, TIDE, { ...LUNA, displayName: "Luna!" }, "hello");
      const { status, body } = await lookUp(pluralkit, proxied.id);
      assert.equal(status, 200);
      const { system, member, timestamp, ...ids } = body;
      assert.deepEqual(ids, {
        id: proxied.id,
        original: original.id,
        sender: people.grace.id,
        channel: channels.general.id,
        guild: krill.id,
      });
      assert.equal(new Date(String(timestamp)).toISOString(), timestamp);
      assert.deepEqual([Object(system).id, Object(system).name], ["tides", "Tide"]);
      const { id, name, display_name: shown } = Object(member);
      assert.deepEqual([id, name, shown], ["lunaa", "Luna", "Luna!"]);
    }));

  it("finds a message by the original's id for half an hour, by its own always, and no other", () =>
    withPluralkit(async (pluralkit, sim, _demo, clock) => {
      const original = say(sim);
      const proxied = pluralkit.proxy(original, TIDE, LUNA);
      assert.equal((await lookUp(pluralkit, original.id)).body["id"], proxied.id);
      clock.advance(30 * 60_000 + 1);
      assert.equal((await lookUp(pluralkit, original.id)).status, 404);
      assert.equal((await lookUp(pluralkit, proxied.id)).status, 200);
      const unknown = await lookUp(pluralkit, "123456789012345678");
      assert.deepEqual([unknown.status, unknown.body["code"]], [404, 20006]);
    }));

  it("hides the names of a private system from clients without its token", () =>
    withPluralkit(async (pluralkit, sim) => {
      const system = { ...TIDE, isPrivate: true, token: "pk-token" };
      const { id } = pluralkit.proxy(say(sim), system, { ...LUNA, displayName: "L" });
      const names = async (headers = {}) => {
        const { body } = await lookUp(pluralkit, id, headers);
        return [Object(body["system"]).name, Object(body["member"]).name];
      };
      assert.deepEqual(await names(), [null, "L"]);
      assert.deepEqual(await names({ Authorization: "pk-token" }), ["Tide", "Luna"]);
      assert.equal((await lookUp(pluralkit, id, { Authorization: "wrong" })).status, 401);
    }));

  it("accepts ten requests a second, and none without a User-Agent", () =>
    withPluralkit(async (pluralkit, sim, _demo, clock) => {
      const { id } = pluralkit.proxy(say(sim), TIDE, LUNA);
      const eleven = await Promise.all(Array.from({ length: 11 }, () => lookUp(pluralkit, id)));
      const refused = eleven.filter(({ status }) => status === 429);
      assert.equal(refused.length, 1);
      assert.equal(refused[0]?.body["retry_after"], 1_000);
      clock.advance(1_000);
      assert.equal((await lookUp(pluralkit, id)).headers.get("x-ratelimit-remaining"), "9");
      assert.equal((await lookUp(pluralkit, id, { "User-Agent": "" })).status, 400);
    }));

  it("fails the given number of times", () =>
    withPluralkit(async (pluralkit, sim) => {
      const { id } = pluralkit.proxy(say(sim), TIDE, LUNA);
      pluralkit.fail({ kind: "status", status: 502 }, 2);
      assert.equal((await lookUp(pluralkit, id)).status, 502);
      assert.equal((await lookUp(pluralkit, id)).status, 502);
      assert.equal((await lookUp(pluralkit, id)).status, 200);
      pluralkit.fail({ kind: "garbage" });
      await assert.rejects(lookUp(pluralkit, id), SyntaxError);
      pluralkit.fail({ kind: "delay", ms: 5 }, 1);
      assert.equal((await lookUp(pluralkit, id)).status, 200);
      pluralkit.fail({ kind: "hang" });
      const given = fetch(`${pluralkit.apiUrl}/messages/${id}`, {
        signal: AbortSignal.timeout(50),
      });
      await assert.rejects(given);
      pluralkit.fail(undefined);
      assert.equal((await lookUp(pluralkit, id)).status, 200);
      assert.equal(pluralkit.requests.length, 7);
    }));
});
