import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { PluralkitAnswer } from "../../src/pluralkit/client.ts";
import { createPluralkitClient, LOOK_UP_MS, MAX_REQUESTS } from "../../src/pluralkit/client.ts";
import { messageId, messageIdAt } from "../support/discord/builders.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { settle } from "../support/settle.ts";

const OLD = messageId("1400000000000000500");

type Reply = Response | Error | "hang";

const body = (id: string) =>
  Response.json({
    id,
    original: "1400000000000000499",
    sender: "123456789012345678",
    channel: "1400000000000000011",
    member: { id: "abcde", name: "Aria" },
  });
const status = (code: number, json: unknown = {}) => Response.json(json, { status: code });

/** A PluralKit with a list of answers, of which it repeats the last one. */
function setUp(...replies: readonly ((id: string) => Reply)[]) {
  const clock = new FakeClock();
  const asked: { readonly id: string; readonly at: number }[] = [];
  const begunAt = clock.now();
  const fetch: typeof globalThis.fetch = (input, init) => {
    const id = String(input).split("/").at(-1)!;
    asked.push({ id, at: clock.now() - begunAt });
    const reply = replies[Math.min(asked.length, replies.length) - 1]!(id);
    if (reply instanceof Response) return Promise.resolve(reply);
    if (reply !== "hang") return Promise.reject(reply);
    return new Promise((_, reject) => {
      init!.signal!.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
    });
  };
  const client = createPluralkitClient({
    fetch,
    apiUrl: "http://pluralkit.test/v2",
    version: "1",
    now: clock.now,
    schedule: clock.schedule,
  });
  /** Advances the clock in steps, so that promises can settle. */
  async function pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 50) {
      await settle();
      clock.advance(Math.min(50, left));
    }
    await settle();
  }
  return { client, clock, asked, pass };
}

/** The result of a look-up, once it has ended. */
function watch(lookUp: Promise<PluralkitAnswer>): { found?: PluralkitAnswer } {
  const watched: { found?: PluralkitAnswer } = {};
  void lookUp.then((found) => watched.found = found);
  return watched;
}

describe("[P13] createPluralkitClient()", () => {
  it("requests a message once, and caches the answer", async () => {
    const { client, clock, asked } = setUp(body);
    const [first, second] = await Promise.all([client.lookUp(OLD), client.lookUp(OLD)]);
    assert.equal(first.kind, "found");
    assert.deepEqual([second, await client.lookUp(OLD)], [first, first]);
    assert.equal(asked.length, 1);
    assert.equal(clock.pending, 0);
  });

  it("caches `none`, and requests failed look-ups again", async () => {
    const { client, asked } = setUp(() => status(404), () => status(401), () => status(401), body);
    assert.deepEqual(await client.lookUp(OLD), { kind: "none" });
    assert.deepEqual(await client.lookUp(OLD), { kind: "none" });
    assert.equal(asked.length, 1);
    const other = messageId("1400000000000000600");
    assert.deepEqual(await client.lookUp(other), { kind: "failed", reason: "HTTP 401" });
    assert.deepEqual(await client.lookUp(other), { kind: "failed", reason: "HTTP 401" });
    assert.equal((await client.lookUp(other)).kind, "found");
  });

  it("repeats the request for a message that PluralKit may not have yet", async () => {
    const { client, clock, asked, pass } = setUp(() => status(404), () => status(404), body);
    const looked = watch(client.lookUp(messageIdAt(clock.now() - 100)));
    await pass(1_000);
    assert.equal(looked.found?.kind, "found");
    assert.deepEqual(asked.map(({ at }) => at), [0, 250, 750]);
  });

  it("accepts `none` after the third request", async () => {
    const { client, clock, asked, pass } = setUp(() => status(404));
    const looked = watch(client.lookUp(messageIdAt(clock.now() - 100)));
    await pass(LOOK_UP_MS);
    assert.deepEqual(looked.found, { kind: "none" });
    assert.equal(asked.length, 3);
  });

  it("repeats failed requests, and always ends in time", async () => {
    const { client, clock, asked, pass } = setUp(() => status(503));
    const looked = watch(client.lookUp(OLD));
    await pass(LOOK_UP_MS);
    assert.deepEqual(looked.found, { kind: "failed", reason: "HTTP 503" });
    assert.deepEqual(asked.map(({ at }) => at), [0, 250, 750, 1_750, 2_750, 3_750, 4_750]);
    assert.equal(clock.pending, 0);
  });

  it("survives a short outage", async () => {
    const { client, pass } = setUp(() => new TypeError("reset"), () => status(502), body);
    const looked = watch(client.lookUp(OLD));
    await pass(1_000);
    assert.equal(looked.found?.kind, "found");
  });

  it("ends an unanswered request after five seconds in all", async () => {
    const { client, clock, pass } = setUp(() => status(500), () => "hang");
    const looked = watch(client.lookUp(OLD));
    await pass(LOOK_UP_MS - 50);
    assert.equal(looked.found, undefined);
    await pass(50);
    assert.deepEqual(looked.found, { kind: "failed", reason: "no answer in time" });
    assert.equal(clock.pending, 0);
  });

  it("delays all requests as long as PluralKit asks", async () => {
    const { client, asked, pass } = setUp(() => status(429, { retry_after: 600 }), body);
    const first = watch(client.lookUp(OLD));
    await settle();
    const second = watch(client.lookUp(messageId("1400000000000000600")));
    await pass(1_000);
    assert.deepEqual([first.found?.kind, second.found?.kind], ["found", "found"]);
    assert.deepEqual(asked.map(({ at }) => at), [0, 600, 600]);
  });

  it("gives up at once if PluralKit asks for a longer delay than the time left", async () => {
    const { client, asked, clock } = setUp(() => status(429, { retry_after: LOOK_UP_MS }));
    assert.deepEqual(await client.lookUp(OLD), { kind: "failed", reason: "HTTP 429" });
    assert.equal(asked.length, 1);
    assert.equal(clock.pending, 0);
  });

  it("sends at most ten requests a second, and fails look-ups that would wait too long", async () => {
    const { client, clock, asked, pass } = setUp(body);
    const flood = Array.from(
      { length: 200 },
      (_, index) =>
        watch(client.lookUp(messageId(String(1_400_000_000_000_001_000n + BigInt(index))))),
    );
    await settle();
    const dropped = flood.filter(({ found }) => found?.kind === "failed").length;
    assert.equal(dropped, 200 - 5 * MAX_REQUESTS);
    await pass(LOOK_UP_MS);
    const found = flood.filter(({ found }) => found?.kind === "found").length;
    assert.equal(found, 5 * MAX_REQUESTS);
    for (const { at } of asked) {
      const within = asked.filter((other) => other.at >= at && other.at < at + 1_000).length;
      assert.ok(within <= MAX_REQUESTS, `${within} within a second of ${at}`);
    }
    assert.equal(clock.pending, 0);
  });

  it("caches at most 1,000 answers", async () => {
    const { client, asked, pass } = setUp(body);
    const id = (index: number) => messageId(String(1_400_000_000_000_001_000n + BigInt(index)));
    for (let index = 0; index <= 1_000; index++) {
      const looked = client.lookUp(id(index));
      if (index % 10 === 9) await pass(1_000);
      await looked;
    }
    assert.equal(asked.length, 1_001);
    await client.lookUp(id(1));
    assert.equal(asked.length, 1_001);
    const again = client.lookUp(id(0));
    await pass(1_000);
    await again;
    assert.equal(asked.length, 1_002);
  });

  it("sends no request after stop(), and leaves no timer", async () => {
    const { client, clock, asked } = setUp(() => "hang");
    const looked = watch(client.lookUp(OLD));
    await settle();
    client.stop();
    await settle();
    assert.equal(looked.found?.kind, "failed");
    assert.equal((await client.lookUp(messageId("1400000000000000600"))).kind, "failed");
    assert.equal(asked.length, 1);
    assert.equal(clock.pending, 0);
  });
});
