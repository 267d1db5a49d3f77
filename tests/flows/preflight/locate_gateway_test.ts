import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { GatewayInfo } from "../../../src/core/discord/gateway.ts";
import { createLocate } from "../../../src/flows/preflight/locate_gateway.ts";
import { ACCOUNT } from "../../support/discord/builders.ts";
import { recordingLog } from "../../support/recording_log.ts";

const placeAt = (url: string): GatewayInfo => ({
  url,
  shards: 1,
  limit: { total: 1_000, remaining: 990, resetAfterMs: 0, maxConcurrency: 1, readAt: 0 },
});
const PLACE = placeAt("wss://gateway.example");

class Refused extends Error {}

const AT = 1_000 * 24 * 60 * 60 * 1_000;

/** Answers from a list; an error is thrown. No delay takes time. */
function setUp(
  answers: readonly (GatewayInfo | Error)[],
  { known, failure }: { readonly known?: GatewayInfo; readonly failure?: Error } = {},
) {
  const { log, lines } = recordingLog();
  const saved: GatewayInfo[] = [];
  const waits: number[] = [];
  let asked = 0;
  const locate = createLocate(
    {
      accountId: ACCOUNT,
      store: {
        gateway: {
          saveGateway(_account, place) {
            saved.push(place);
            return failure ? Promise.reject(failure) : Promise.resolve();
          },
        },
      },
      stopping: new AbortController().signal,
      schedule(run, ms) {
        waits.push(ms);
        queueMicrotask(run);
        return () => {};
      },
      random: () => 0.5,
      now: () => AT,
      log,
    },
    known
      ? { gateway: { url: known.url, at: 0 }, limit: { ...known.limit, shards: known.shards } }
      : {},
    {
      readGatewayInfo() {
        const answer = answers[asked++] ?? new Refused("asked too often");
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
      },
      isTransient: (error) => !(error instanceof Refused),
    },
  );
  return { locate, lines, saved, waits, asked: () => asked };
}

describe("[G5] createLocate()", () => {
  it("uses the old answer if Discord is unreachable", async () => {
    const known = placeAt("wss://old.example");
    const { locate, saved, waits } = setUp([new Error("no route to host")], { known });
    assert.equal((await locate()).url, known.url);
    assert.deepEqual([saved, waits], [[], []]);
  });

  it("[X2] connects even if the URL cannot be stored", async () => {
    const { locate, lines } = setUp([PLACE], { failure: new Error("disk full") });
    assert.equal(await locate(), PLACE);
    assert.deepEqual(lines.map(({ level }) => level), ["error"]);
  });

  it("waits longer each time for a missing network, and logs it", async () => {
    const offline = new Error("no route to host");
    const { locate, lines, waits } = setUp([...Array(12).fill(offline), PLACE]);
    assert.equal(await locate(), PLACE);
    assert.equal(waits.length, 12);
    assert.ok((waits[0] ?? 0) < (waits[4] ?? 0), `${waits}`);
    assert.ok(waits.every((ms) => ms > 0 && ms <= 60_000), `${waits}`);
    assert.equal(lines.filter(({ level }) => level === "warn").length, 12);
  });

  it("does not retry a permanent failure", async () => {
    const { locate, asked, waits, saved } = setUp([new Refused("401"), PLACE]);
    await assert.rejects(locate(), Refused);
    assert.equal(asked(), 1);
    assert.deepEqual(waits, []);
    assert.deepEqual(saved, []);
  });
});
