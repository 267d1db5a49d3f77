/** The chaos scenarios rely on these switches: each has its own effect, and no other. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Simulator } from "../../simulator/simulator.ts";
import { FakeClock } from "../support/fake_clock.ts";
import {
  ask,
  connectRaw,
  connectReady,
  identify,
  isEvent,
  isOp,
  type RawGateway,
  soon,
  withSimulator,
} from "./raw_client.ts";

const sessionOf = ({ frames }: RawGateway) => frames.find(isEvent("READY"))?.d?.["session_id"];

/** Leaves a connection, and resumes its session on another. */
async function resumeAfter(sim: Simulator, gateway: RawGateway, code: number): Promise<RawGateway> {
  gateway.close(code);
  await gateway.closed;
  await sim.until(() => sim.connected() === 0 || undefined, soon());
  return await resumed(sim, sessionOf(gateway));
}

async function resumed(sim: Simulator, session: unknown): Promise<RawGateway> {
  const again = connectRaw(sim);
  await again.frame(isOp(10));
  again.send({ op: 6, d: { token: sim.token, session_id: session, seq: 1 } });
  return again;
}

describe("[G3] faults of the gateway", () => {
  it("ends a session on the given close code", () =>
    withSimulator(async (sim) => {
      const gateway = await connectReady(sim);
      sim.faults.gateway.endsSessionOnClose = (code) => code === 3000;
      const again = await resumeAfter(sim, gateway, 3000);
      assert.equal((await again.frame(isOp(9))).d, false);
      again.close();
    }));

  it("keeps a session even after 1000, on request", () =>
    withSimulator(async (sim) => {
      const gateway = await connectReady(sim);
      sim.faults.gateway.endsSessionOnClose = () => false;
      const again = await resumeAfter(sim, gateway, 1000);
      const { s } = await again.frame(isEvent("RESUMED"));
      assert.deepEqual(sim.sessions(), [{
        id: sessionOf(gateway),
        seq: s,
        applicationId: sim.application.id,
        shard: [0, 1],
        isConnected: true,
      }]);
      again.close();
    }));

  it("keeps a session that it closed with 1001 itself: the client's answer does not end it", () =>
    withSimulator(async (sim) => {
      const gateway = await connectReady(sim);
      sim.faults.gateway.drop(1001);
      assert.equal(await gateway.closed, 1001);
      await sim.until(() => sim.connected() === 0 || undefined, soon());
      const again = await resumed(sim, sessionOf(gateway));
      await again.frame(isEvent("RESUMED"));
      assert.deepEqual([sim.account().closes, sim.account().clientCloses], [[1001], []]);
      again.close();
    }));

  it("refuses the given number of RESUMEs, and says whether the session remains", () =>
    withSimulator(async (sim) => {
      const gateway = await connectReady(sim);
      sim.faults.gateway.invalidResumes.push(true, false);
      const first = await resumeAfter(sim, gateway, 3000);
      assert.equal((await first.frame(isOp(9))).d, true);
      const second = await resumeAfter(sim, first, 3000);
      const third = await resumed(sim, sessionOf(gateway));
      assert.equal((await third.frame(isOp(9))).d, false);
      const fourth = await resumed(sim, sessionOf(gateway));
      assert.equal((await fourth.frame(isOp(9))).d, false, "it is gone now");
      assert.deepEqual(sim.faults.gateway.invalidResumes, []);
      for (const one of [second, third, fourth]) one.close();
    }));

  it("keeps the session of a refused RESUME, with op 9 true", () =>
    withSimulator(async (sim) => {
      const gateway = await connectReady(sim);
      sim.faults.gateway.invalidResumes.push(true);
      const first = await resumeAfter(sim, gateway, 3000);
      await first.frame(isOp(9));
      const second = await resumed(sim, sessionOf(gateway));
      await second.frame(isEvent("RESUMED"));
      for (const one of [first, second]) one.close();
    }));

  it("names another address in REST and READY, and the recommended number of shards", () =>
    withSimulator(async (sim) => {
      Object.assign(sim.faults.gateway, { address: "ws://127.0.0.1:1", recommendedShards: 3 });
      const { body } = await ask(sim, "GET", "/gateway/bot");
      assert.equal(Object(body).url, "ws://127.0.0.1:1");
      assert.equal(Object(body).shards, 3);
      assert.equal(Object((await ask(sim, "GET", "/gateway")).body).url, "ws://127.0.0.1:1");
      const gateway = await connectReady(sim);
      const { d } = await gateway.frame(isEvent("READY"));
      assert.equal(d?.["resume_gateway_url"], "ws://127.0.0.1:1");
      gateway.close();
    }));

  it("leaves out a guild with an outage, and brings it with its messages", () =>
    withSimulator(async (sim, { krill }) => {
      sim.faults.gateway.unavailableGuilds.add(krill.id);
      const gateway = await connectReady(sim);
      const said = sim.say({ as: "grace", in: "#general", text: "into the void" });
      sim.say({ as: "grace", in: "dm", text: "heard" });
      await gateway.frame(({ d }) => d?.["content"] === "heard");
      assert.equal(gateway.frames.some(({ d }) => d?.["content"] === "into the void"), false);
      assert.equal(gateway.frames.filter(isEvent("GUILD_CREATE")).length, 1);
      sim.faults.gateway.bringGuild(krill.id);
      const created = await gateway.frame(({ t, d }) =>
        t === "GUILD_CREATE" && d?.["id"] === krill.id
      );
      assert.ok(JSON.stringify(created.d).includes(`"last_message_id":"${said.id}"`));
      gateway.close();
    }));
});

describe("[G11] two connections with one token", () => {
  it("both get everything, and share their nonces", () =>
    withSimulator(async (sim) => {
      const first = await connectReady(sim);
      sim.account().lastIdentifyAt.clear();
      const second = await connectReady(sim);
      sim.say({ as: "ada", in: "#general", text: "to both" });
      for (const gateway of [first, second]) {
        await gateway.frame(({ d }) => d?.["content"] === "to both");
      }
      assert.equal(sim.connected(), 2);
      const { id } = sim.channel("#general");
      const body = {
        content: "x",
        nonce: "n",
        enforce_nonce: true,
        allowed_mentions: { parse: [] },
      };
      const answers = await Promise.all(
        [1, 2].map(() => ask(sim, "POST", `/channels/${id}/messages`, body)),
      );
      assert.equal(new Set(answers.map((answer) => Object(answer.body).id)).size, 1);
      for (const gateway of [first, second]) {
        const { d } = await gateway.frame(({ d }) => d?.["content"] === "x");
        assert.equal(d?.["nonce"], "n");
        gateway.close();
      }
    }));
});

describe("[G9] presence", () => {
  const shown = {
    status: "idle",
    since: null,
    afk: false,
    activities: [{ name: "Custom Status", type: 4, state: "eating krill" }],
  };
  it("is recorded from IDENTIFY and from op 3", () =>
    withSimulator(async (sim) => {
      const gateway = await connectReady(sim, { presence: shown });
      gateway.send({ op: 3, d: { ...shown, status: "dnd" } });
      await sim.until(() => sim.account().presences.length === 2 || undefined, soon());
      assert.deepEqual(
        sim.account().presences.map(({ via, status }) => [via, status]),
        [["identify", "idle"], ["update", "dnd"]],
      );
      assert.equal(sim.account().presences[0]?.activities?.[0]?.["state"], "eating krill");
      gateway.close();
    }));
});

describe("[G1] heartbeats on request", () => {
  it("are recorded with their time", () => {
    const clock = new FakeClock();
    return withSimulator(async (sim) => {
      const gateway = await connectReady(sim);
      sim.faults.gateway.askHeartbeat();
      await gateway.frame(isOp(1));
      clock.advance(70);
      gateway.send({ op: 1, d: 1 });
      await gateway.frame(isOp(11));
      assert.deepEqual(sim.account().beats.map(({ askedMs, seq }) => ({ askedMs, seq })), [
        { askedMs: 70, seq: 1 },
      ]);
      gateway.close();
    }, { now: clock.now });
  });
});

describe("[G9] PATCH /applications/@me", () => {
  it("switches an intent on, so that IDENTIFY may ask for it", () =>
    withSimulator(async (sim, { world, barnacle }) => {
      world.applications.set(barnacle.id, { ...barnacle, privilegedIntents: 0 });
      const closed = connectRaw(sim);
      await closed.frame(isOp(10));
      closed.send(identify(sim));
      assert.equal(await closed.closed, 4014);
      const { status, body } = await ask(sim, "PATCH", "/applications/@me", { flags: 1 << 19 });
      assert.deepEqual([status, Object(body).flags], [200, 1 << 19]);
      const gateway = await connectReady(sim);
      gateway.close();
      const refused = await ask(sim, "PATCH", "/applications/@me", { flags: 1 << 18 });
      assert.deepEqual([refused.status, Object(refused.body).code], [400, 50035]);
    }));
});
