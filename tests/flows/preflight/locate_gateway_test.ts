import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { GatewayInfo } from "../../../src/core/discord/gateway.ts";
import {
  locateGateway,
  type LocateGatewayPorts,
} from "../../../src/flows/preflight/locate_gateway.ts";
import { recordingLog } from "../../support/recording_log.ts";

const placeAt = (url: string): GatewayInfo => ({
  url,
  shards: 1,
  limit: { total: 1_000, remaining: 990, resetAfterMs: 0, maxConcurrency: 1, readAt: 0 },
});
const PLACE = placeAt("wss://gateway.example");

class Refused extends Error {}

/** Answers from a list; an error is thrown. */
function setUp(...answers: readonly (GatewayInfo | Error)[]) {
  const { log, lines } = recordingLog();
  const saved: GatewayInfo[] = [];
  const waits: number[] = [];
  let asked = 0;
  const ports: LocateGatewayPorts = {
    ask() {
      const answer = answers[asked++] ?? new Refused("asked too often");
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    },
    isTransient: (error) => !(error instanceof Refused),
    save: (place) => {
      saved.push(place);
      return Promise.resolve();
    },
    sleep: (ms) => {
      waits.push(ms);
      return Promise.resolve();
    },
    random: () => 0.5,
    log,
  };
  return { ports, lines, saved, waits, asked: () => asked };
}

describe("[G5] locateGateway()", () => {
  const old = { place: placeAt("wss://old.example"), isFresh: false };

  it("uses the old answer if Discord is unreachable", async () => {
    const { ports, saved, waits } = setUp(new Error("no route to host"));
    assert.equal(await locateGateway(old, ports), old.place);
    assert.deepEqual([saved, waits], [[], []]);
  });

  it("[X2] connects even if the URL cannot be stored", async () => {
    const { ports, lines } = setUp(PLACE);
    const isFull = () => Promise.reject(new Error("disk full"));
    assert.equal(await locateGateway(undefined, { ...ports, save: isFull }), PLACE);
    assert.deepEqual(lines.map(({ level }) => level), ["error"]);
  });

  it("waits longer each time for a missing network, and logs it", async () => {
    const offline = new Error("no route to host");
    const { ports, lines, waits } = setUp(...Array(12).fill(offline), PLACE);
    assert.equal(await locateGateway(undefined, ports), PLACE);
    assert.equal(waits.length, 12);
    assert.ok((waits[0] ?? 0) < (waits[4] ?? 0), `${waits}`);
    assert.ok(waits.every((ms) => ms > 0 && ms <= 60_000), `${waits}`);
    assert.equal(lines.filter(({ level }) => level === "warn").length, 12);
  });

  it("does not retry a permanent failure", async () => {
    const { ports, asked, waits, saved } = setUp(new Refused("401"), PLACE);
    await assert.rejects(locateGateway(undefined, ports), Refused);
    assert.equal(asked(), 1);
    assert.deepEqual(waits, []);
    assert.deepEqual(saved, []);
  });
});
